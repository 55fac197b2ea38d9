#pragma once

#include <optional>
#include <string>

#include "daemon/node_devices.h"
#include "daemon/object_driver.h"
#include "model/node_device.h"
#include "nodedev/device_list.h"
#include "nodedev/mdev_definitions.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::nodedev {

// virtnodedevd's driver: the devices of the host, what they are and that they come and go. To take one from the host
// for a guest is a hypervisor's.
class NodeDeviceDriver : public ObjectDriver, public NodeDevices {
 public:
  explicit NodeDeviceDriver(const DriverEnvironment& environment);
  ~NodeDeviceDriver() override;

  Task<> Start() override;
  void Register(Service& service) override;

 protected:
  Task<> CheckLocally(std::string name) override;

 private:
  using Entry = DeviceList::Entry;

  Task<remote::NodeNumOfDevicesRet> Count(Call& call, remote::NodeNumOfDevicesArgs args);
  Task<remote::NodeListDevicesRet> ListNames(Call& call, remote::NodeListDevicesArgs args);
  Task<remote::ConnectListAllNodeDevicesRet> ListAll(Call& call, remote::ConnectListAllNodeDevicesArgs args);
  Task<remote::NodeDeviceLookupByNameRet> LookupByName(Call& call, remote::NodeDeviceLookupByNameArgs args);
  Task<remote::NodeDeviceLookupScsiHostByWwnRet> LookupByWwn(Call& call, remote::NodeDeviceLookupScsiHostByWwnArgs args);
  Task<remote::NodeDeviceGetXmlDescRet> GetXml(Call& call, remote::NodeDeviceGetXmlDescArgs args);
  Task<remote::NodeDeviceGetParentRet> GetParent(Call& call, remote::NodeDeviceGetParentArgs args);
  Task<remote::NodeDeviceNumOfCapsRet> CountCaps(Call& call, remote::NodeDeviceNumOfCapsArgs args);
  Task<remote::NodeDeviceListCapsRet> ListCaps(Call& call, remote::NodeDeviceListCapsArgs args);
  Task<remote::NodeDeviceIsActiveRet> IsActive(Call& call, remote::NodeDeviceIsActiveArgs args);
  Task<remote::NodeDeviceIsPersistentRet> IsPersistent(Call& call, remote::NodeDeviceIsPersistentArgs args);
  Task<remote::NodeDeviceGetAutostartRet> GetAutostart(Call& call, remote::NodeDeviceGetAutostartArgs args);
  Task<remote::ConnectNodeDeviceEventRegisterAnyRet> Subscribe(Call& call, remote::ConnectNodeDeviceEventRegisterAnyArgs args);
  Task<> Unsubscribe(Call& call, remote::ConnectNodeDeviceEventDeregisterAnyArgs args);
  // driver_create.cc
  Task<remote::NodeDeviceCreateXmlRet> CreateXml(Call& call, remote::NodeDeviceCreateXmlArgs args);
  Task<remote::NodeDeviceDefineXmlRet> DefineXml(Call& call, remote::NodeDeviceDefineXmlArgs args);
  Task<> Create(Call& call, remote::NodeDeviceCreateArgs args);
  Task<> Destroy(Call& call, remote::NodeDeviceDestroyArgs args);
  Task<> SetAutostart(Call& call, remote::NodeDeviceSetAutostartArgs args);
  Task<> Undefine(Call& call, remote::NodeDeviceUndefineArgs args);

  Task<std::string> MdevParentAddress(const model::NodeDevice& device);
  Task<> OnDefinition(std::string name, std::vector<std::string> arguments, std::string purpose);
  // Each ends with the name of a device that is there.
  Task<std::string> StartMdev(const model::NodeDevice& device);
  Task<std::string> CreatePort(const model::NodeDevice& device);
  Task<Entry> PortParent(const model::NodeDevice& device);

  // Brings what is known of devices and definitions up to date.
  Task<> Refresh();
  // The devices that are there, and those that are only defined.
  std::vector<Entry> All() const;
  const Entry* ParentOf(const Entry& entry);
  // The device of that name as it is now; throws kNoNodeDevice. By value: the list may change at any wait.
  Task<Entry> Find(std::string name);
  // The name of the Fibre Channel host with these numbers.
  Task<std::optional<std::string>> FindByWwn(std::string wwnn, std::string wwpn);
  // The whole of it, with its parent.
  Task<model::NodeDevice> Read(Entry entry);
  void TellLifecycle(const std::string& name, int what);
  void OnEvent(DeviceList::Event event, const std::string& name);
  void WatchIfWanted();

  const std::string state_dir_;
  NamedObjectEvents events_{"node device", 2, "device"};
  DeviceList devices_;
  MdevDefinitions definitions_;
};

void RefuseFlags(unsigned flags, unsigned known, const char* function);
// The machine itself is defined once and for all, all else comes and goes.
bool IsComputer(const DeviceList::Entry& entry);
// The devices that mediated devices can be made of.
constexpr std::uint32_t kMdevParents = Bit(model::Capability::kPci) | Bit(model::Capability::kCss) | Bit(model::Capability::kApMatrix);
// virNodeDeviceEventLifecycleType
enum { kCreated = 0, kDeleted = 1, kDefined = 2, kUndefined = 3 };

}  // namespace bv::nodedev
