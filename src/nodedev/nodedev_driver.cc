#include "nodedev/nodedev_driver.h"

#include <bit>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "daemon/access_lists.h"
#include "host/host_uuid.h"
#include "nodedev/describe_device.h"

namespace bv::nodedev {

using namespace remote;
using model::Capability;

namespace {

// virConnectListAllNodeDevicesFlags: a bit for each capability, and
constexpr unsigned kAllCapabilities = (1u << std::size(kNodeDeviceCapabilities)) - 1, kInactive = 1u << 30, kActive = 1u << 31;
// virNodeDeviceEventID
enum { kLifecycleEvent = 0, kUpdateEvent = 1 };

bool Passes(const DeviceList::Entry& entry, unsigned flags) {
  if ((flags & kAllCapabilities) && !(entry.capabilities & flags)) return false;
  return !(flags & (kActive | kInactive)) || (flags & (entry.active ? kActive : kInactive));
}

bool HasCapability(const DeviceList::Entry& entry, const std::optional<std::string>& name) {
  return !name || (entry.capabilities & access::NodeDeviceFlag(name->c_str()));
}

[[noreturn]] void FailMissing(const std::string& name) {
  throw Error(ErrorDomain::kNodedev, ErrorCode::kNoNodeDevice, "no node device with matching name '" + name + "'");
}

}  // namespace

void RefuseFlags(unsigned flags, unsigned known, const char* function) { RefuseOtherFlags(flags, known, ErrorDomain::kNodedev, function); }
bool IsComputer(const DeviceList::Entry& entry) { return entry.active && entry.path.empty(); }

NodeDeviceDriver::NodeDeviceDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "nodedev", ErrorDomain::kNodedev, &events_),
      state_dir_(environment.state_dir + (environment.privileged ? "/nodedev" : "/nodedev/run")),
      devices_([this](DeviceList::Event event, const std::string& name) { OnEvent(event, name); }) {
  set_local(this);
}

NodeDeviceDriver::~NodeDeviceDriver() { set_local(nullptr); }

Task<> NodeDeviceDriver::Start() {
  LockState(state_dir_);
  // Those who asked another image of this process go on to be told.
  if (events_.empty()) co_return;
  co_await devices_.Refresh();
  WatchIfWanted();
}

void NodeDeviceDriver::Register(Service& service) {
  ObjectDriver::Register(service);
  service.On<proc::NodeNumOfDevices>(this, &NodeDeviceDriver::Count);
  service.On<proc::NodeListDevices>(this, &NodeDeviceDriver::ListNames);
  service.On<proc::ConnectListAllNodeDevices>(this, &NodeDeviceDriver::ListAll);
  service.On<proc::NodeDeviceLookupByName>(this, &NodeDeviceDriver::LookupByName);
  service.On<proc::NodeDeviceLookupScsiHostByWwn>(this, &NodeDeviceDriver::LookupByWwn);
  service.On<proc::NodeDeviceGetXmlDesc>(this, &NodeDeviceDriver::GetXml);
  service.On<proc::NodeDeviceGetParent>(this, &NodeDeviceDriver::GetParent);
  service.On<proc::NodeDeviceNumOfCaps>(this, &NodeDeviceDriver::CountCaps);
  service.On<proc::NodeDeviceListCaps>(this, &NodeDeviceDriver::ListCaps);
  service.On<proc::NodeDeviceIsActive>(this, &NodeDeviceDriver::IsActive);
  service.On<proc::NodeDeviceIsPersistent>(this, &NodeDeviceDriver::IsPersistent);
  service.On<proc::NodeDeviceGetAutostart>(this, &NodeDeviceDriver::GetAutostart);
  service.On<proc::NodeDeviceSetAutostart>(this, &NodeDeviceDriver::SetAutostart);
  service.On<proc::NodeDeviceCreateXml>(this, &NodeDeviceDriver::CreateXml);
  service.On<proc::NodeDeviceDefineXml>(this, &NodeDeviceDriver::DefineXml);
  service.On<proc::NodeDeviceCreate>(this, &NodeDeviceDriver::Create);
  service.On<proc::NodeDeviceDestroy>(this, &NodeDeviceDriver::Destroy);
  service.On<proc::NodeDeviceUndefine>(this, &NodeDeviceDriver::Undefine);
  service.On<proc::ConnectNodeDeviceEventRegisterAny>(this, &NodeDeviceDriver::Subscribe);
  service.On<proc::ConnectNodeDeviceEventDeregisterAny>(this, &NodeDeviceDriver::Unsubscribe);
}

Task<> NodeDeviceDriver::Refresh() {
  co_await devices_.Refresh();
  co_await definitions_.Refresh();
}

namespace {
DeviceList::Entry Defined(std::string name) { return {"", std::move(name), model::Bit(Capability::kMdev), false}; }
}  // namespace

std::vector<NodeDeviceDriver::Entry> NodeDeviceDriver::All() const {
  std::vector<Entry> all = devices_.all();
  for (const MdevDefinition& definition : definitions_.all()) {
    std::string name = definition.name();
    if (!devices_.FindName(name)) all.push_back(Defined(std::move(name)));
  }
  return all;
}

Task<NodeDeviceDriver::Entry> NodeDeviceDriver::Find(std::string name) {
  co_await devices_.Refresh();
  const Entry* there = devices_.FindName(name);
  if (there && !(there->capabilities & model::Bit(Capability::kMdev))) co_return *there;
  // Only of these there may be a definition, and to see whether mdevctl has another one takes time.
  co_await definitions_.Refresh();
  if (const Entry* entry = devices_.FindName(name)) co_return *entry;
  if (!definitions_.Find(name)) FailMissing(name);
  co_return Defined(std::move(name));
}

const NodeDeviceDriver::Entry* NodeDeviceDriver::ParentOf(const Entry& entry) {
  if (entry.active) return devices_.FindParent(entry);
  const MdevDefinition* definition = definitions_.Find(entry.name);
  return definition ? devices_.FindAddress(definition->parent_address, kMdevParents) : nullptr;
}

Task<> NodeDeviceDriver::CheckLocally(std::string name) { co_await Find(std::move(name)); }

Task<model::NodeDevice> NodeDeviceDriver::Read(Entry entry) {
  const Entry* parent = ParentOf(entry);
  std::string above = parent ? parent->name : "";
  const MdevDefinition* definition = definitions_.Find(entry.name);
  if (!entry.active) {
    if (!definition) FailMissing(entry.name);
    model::NodeDevice device;
    device.name = std::move(entry.name);
    device.parent = std::move(above);
    device.capability.type = Capability::kMdev;
    device.capability.mdev = definition->mdev;
    co_return std::move(device);
  }
  std::vector<model::MdevAttribute> attributes;  // the kernel does not tell them
  if (definition) attributes = definition->mdev.attributes;
  auto read = [path = entry.path, uuid = host::HostUuid()]() -> std::optional<model::NodeDevice> {
    host::DeviceFiles files;
    if (path.empty()) return DescribeComputer(files, uuid);
    return Describe(UdevDevice(files, path), true);
  };
  auto device = co_await Offload(read);
  if (!device) FailMissing(entry.name);
  // As it was called when it came: addresses that are part of names may change.
  device->name = std::move(entry.name);
  device->parent = std::move(above);
  device->capability.mdev.attributes = std::move(attributes);
  co_return std::move(*device);
}

Task<std::optional<std::string>> NodeDeviceDriver::FindByWwn(std::string wwnn, std::string wwpn) {
  co_await devices_.Refresh();
  std::vector<Entry> all = devices_.all();
  for (Entry& entry : all) {
    if (!(entry.capabilities & model::Bit(Capability::kFcHost))) continue;
    model::NodeDevice device = co_await Read(entry);
    const model::AbilityDetails* fc = device.capability.Find(model::Ability::kFcHost);
    if (fc && fc->wwnn == wwnn && fc->wwpn == wwpn) co_return std::move(entry.name);
  }
  co_return std::nullopt;
}

Task<NodeNumOfDevicesRet> NodeDeviceDriver::Count(Call&, NodeNumOfDevicesArgs args) {
  RefuseFlags(args.flags, 0, "nodeNumOfDevices");
  co_await Refresh();
  NodeNumOfDevicesRet ret;
  for (const Entry& entry : All()) ret.num += HasCapability(entry, args.cap);
  co_return ret;
}

Task<NodeListDevicesRet> NodeDeviceDriver::ListNames(Call&, NodeListDevicesArgs args) {
  RefuseFlags(args.flags, 0, "nodeListDevices");
  co_await Refresh();
  NodeListDevicesRet ret;
  for (const Entry& entry : All()) {
    if (HasCapability(entry, args.cap) && static_cast<std::int64_t>(ret.names.size()) < args.maxnames) ret.names.push_back(entry.name);
  }
  co_return ret;
}

Task<ConnectListAllNodeDevicesRet> NodeDeviceDriver::ListAll(Call&, ConnectListAllNodeDevicesArgs args) {
  RefuseFlags(args.flags, kAllCapabilities | kActive | kInactive, "nodeConnectListAllNodeDevices");
  co_await Refresh();
  ConnectListAllNodeDevicesRet ret;
  for (const Entry& entry : All()) {
    if (!Passes(entry, args.flags)) continue;
    ++ret.ret;
    if (args.need_results) ret.devices.push_back({entry.name});
  }
  co_return ret;
}

Task<NodeDeviceLookupByNameRet> NodeDeviceDriver::LookupByName(Call&, NodeDeviceLookupByNameArgs args) {
  NodeDeviceLookupByNameRet ret;
  Entry entry = co_await Find(std::move(args.name));
  ret.dev.name = std::move(entry.name);
  co_return ret;
}

Task<NodeDeviceLookupScsiHostByWwnRet> NodeDeviceDriver::LookupByWwn(Call&, NodeDeviceLookupScsiHostByWwnArgs args) {
  RefuseFlags(args.flags, 0, "nodeDeviceLookupSCSIHostByWWN");
  auto name = co_await FindByWwn(std::move(args.wwnn), std::move(args.wwpn));
  // libvirt says nothing, and clients get this for that.
  if (!name) throw VerbatimError(ErrorDomain::kNone, ErrorCode::kInternalError, "An error occurred, but the cause is unknown");
  NodeDeviceLookupScsiHostByWwnRet ret;
  ret.dev.name = std::move(*name);
  co_return ret;
}

Task<NodeDeviceGetXmlDescRet> NodeDeviceDriver::GetXml(Call&, NodeDeviceGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "nodeDeviceGetXMLDesc");
  Entry entry = co_await Find(std::move(args.name));
  NodeDeviceGetXmlDescRet ret;
  model::NodeDevice device = co_await Read(std::move(entry));
  ret.xml = model::FormatNodeDevice(device);
  co_return ret;
}

Task<NodeDeviceGetParentRet> NodeDeviceDriver::GetParent(Call&, NodeDeviceGetParentArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  NodeDeviceGetParentRet ret;
  if (const Entry* parent = ParentOf(entry)) ret.parentName = parent->name;
  co_return ret;
}

Task<NodeDeviceNumOfCapsRet> NodeDeviceDriver::CountCaps(Call&, NodeDeviceNumOfCapsArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  NodeDeviceNumOfCapsRet ret;
  ret.num = std::popcount(entry.capabilities);
  co_return ret;
}

Task<NodeDeviceListCapsRet> NodeDeviceDriver::ListCaps(Call&, NodeDeviceListCapsArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  model::NodeDevice device = co_await Read(std::move(entry));
  NodeDeviceListCapsRet ret;
  for (std::string& name : model::CapabilityNames(device)) {
    if (static_cast<std::int64_t>(ret.names.size()) < args.maxnames) ret.names.push_back(std::move(name));
  }
  co_return ret;
}

Task<NodeDeviceIsActiveRet> NodeDeviceDriver::IsActive(Call&, NodeDeviceIsActiveArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  NodeDeviceIsActiveRet ret;
  ret.active = entry.active;
  co_return ret;
}

Task<NodeDeviceIsPersistentRet> NodeDeviceDriver::IsPersistent(Call&, NodeDeviceIsPersistentArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  NodeDeviceIsPersistentRet ret;
  ret.persistent = IsComputer(entry) || definitions_.Find(entry.name);
  co_return ret;
}

Task<NodeDeviceGetAutostartRet> NodeDeviceDriver::GetAutostart(Call&, NodeDeviceGetAutostartArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  const MdevDefinition* definition = definitions_.Find(entry.name);
  NodeDeviceGetAutostartRet ret;
  ret.autostart = IsComputer(entry) || (definition && definition->autostart);
  co_return ret;
}

void NodeDeviceDriver::TellLifecycle(const std::string& name, int what) {
  events_.Tell<proc::NodeDeviceEventLifecycle>(kLifecycleEvent, name, {0, {name}, what, 0});
}

void NodeDeviceDriver::OnEvent(DeviceList::Event event, const std::string& name) {
  if (event == DeviceList::Event::kUpdated) return events_.Tell<proc::NodeDeviceEventUpdate>(kUpdateEvent, name, {0, {name}});
  TellLifecycle(name, event == DeviceList::Event::kCreated ? kCreated : kDeleted);
}

void NodeDeviceDriver::WatchIfWanted() {
  devices_.Watch([this] { return !events_.empty(); });
}

Task<ConnectNodeDeviceEventRegisterAnyRet> NodeDeviceDriver::Subscribe(Call& call, ConnectNodeDeviceEventRegisterAnyArgs args) {
  co_await devices_.Refresh();
  ConnectNodeDeviceEventRegisterAnyRet ret;
  ret.callbackID = events_.Add(call.client(), args.eventID, args.dev ? std::optional(args.dev->name) : std::nullopt);
  WatchIfWanted();
  co_return ret;
}

Task<> NodeDeviceDriver::Unsubscribe(Call& call, ConnectNodeDeviceEventDeregisterAnyArgs args) {
  events_.Remove(call.client(), args.callbackID);
  co_return;
}

}  // namespace bv::nodedev
