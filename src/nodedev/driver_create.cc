// Devices that are made and unmade: mediated devices by the program mdevctl, virtual ports of Fibre Channel hosts by
// the kernel's files.

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"
#include "base/files.h"
#include "base/schema.h"
#include "nodedev/describe_device.h"
#include "nodedev/nodedev_driver.h"

namespace bv::nodedev {

using namespace remote;
using model::Ability;
using model::Capability;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr unsigned kValidate = 1;
constexpr seconds kNewDeviceLimit{60};
constexpr milliseconds kNewDevicePoll{50};

[[noreturn]] void FailKind() { throw Error(ErrorDomain::kNodedev, ErrorCode::kConfigUnsupported, "Unsupported device type"); }
[[noreturn]] void FailState(std::string text) { throw Error(ErrorDomain::kNodedev, ErrorCode::kOperationInvalid, std::move(text)); }
[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kNodedev, ErrorCode::kInternalError, std::move(text)); }

std::string LastPart(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Where a host takes orders about its ports; empty for one that cannot have any.
std::string PortDirectory(const std::string& host, const char* file) {
  for (const char* kind : {"/sys/class/fc_host/", "/sys/class/scsi_host/"}) {
    if (FileExists(kind + host + "/" + file)) return kind + host + "/" + file;
  }
  return {};
}

Task<> OrderPort(std::string host, const char* file, std::string order) {
  auto write = [host = std::move(host), file = std::string(file), order = std::move(order)] {
    std::string path = PortDirectory(host, file.c_str());
    if (path.empty()) Fail("vport operation '" + file + "' is not supported for host" + host.substr(4));
    WriteToFile(path, order);
  };
  co_await Offload(write);
}

// "define" or "start" of a device that mdevctl need not know.
Task<std::string> CallWithDevice(const char* what, const std::string& parent, const model::Mdev& mdev, const char* purpose) {
  std::vector<std::string> arguments = {what, "--parent=" + parent, "--jsonfile=/dev/stdin"};
  if (mdev.uuid) arguments.push_back("--uuid=" + mdev.uuid->ToString());
  std::string output = co_await RunMdevctl(std::move(arguments), FormatMdev(mdev), purpose);
  co_return output;
}

// mdevctl tells the UUID if that was left to it.
Uuid MadeUuid(const model::Mdev& mdev, const std::string& output) {
  auto uuid = Uuid::Parse(output.substr(0, output.find('\n')));
  if (!uuid) uuid = mdev.uuid;
  if (!uuid) Fail("no UUID in what mdevctl said");
  return *uuid;
}

}  // namespace

// The address that mdevctl knows the parent by.
Task<std::string> NodeDeviceDriver::MdevParentAddress(const model::NodeDevice& device) {
  auto unsupported = [](const std::string& text) { return Error(ErrorDomain::kNodedev, ErrorCode::kConfigUnsupported, text); };
  if (device.parent.empty()) throw unsupported("missing parent device");
  co_await devices_.Refresh();
  const Entry* parent = devices_.FindName(device.parent);
  if (!parent) throw unsupported("invalid parent device '" + device.parent + "'");
  if (!(parent->capabilities & kMdevParents)) {
    throw Error(ErrorDomain::kNodedev, ErrorCode::kParseFailed, "Unable to find address for parent device '" + device.parent + "'");
  }
  co_return LastPart(parent->path);
}

Task<std::string> NodeDeviceDriver::StartMdev(const model::NodeDevice& device) {
  std::string address = co_await MdevParentAddress(device);
  std::string output = co_await CallWithDevice("start", address, device.capability.mdev, "start mediated device");
  std::string name = NameOf("mdev", MadeUuid(device.capability.mdev, output).ToString(), address);
  for (Deadline end = In(kNewDeviceLimit); !devices_.FindName(name) && Clock::now() < end;) {
    co_await Sleep(kNewDevicePoll);
    co_await devices_.Refresh();
  }
  if (!devices_.FindName(name)) throw Error(ErrorDomain::kNodedev, ErrorCode::kNoNodeDevice, "no node device with matching name '" + name + "'");
  co_return name;
}

// A host that virtual ports can be made of: the one that is named, by name or by its numbers, else any.
Task<NodeDeviceDriver::Entry> NodeDeviceDriver::PortParent(const model::NodeDevice& device) {
  co_await devices_.Refresh();
  if (!device.parent.empty()) {
    const Entry* parent = devices_.FindName(device.parent);
    if (!parent) Fail("Could not find parent device for 'new device'");
    if (!(parent->capabilities & Bit(Capability::kVports))) Fail("Parent device " + parent->name + " is not capable of vport operations");
    co_return *parent;
  }
  std::vector<Entry> all = devices_.all();
  for (Entry& entry : all) {
    if (!(entry.capabilities & Bit(Capability::kVports))) continue;
    model::NodeDevice host = co_await Read(entry);
    const model::AbilityDetails* fc = host.capability.Find(Ability::kFcHost);
    auto differs = [](const std::string& wanted, const std::string& is) { return !wanted.empty() && wanted != is; };
    if (fc && (differs(device.parent_wwnn, fc->wwnn) || differs(device.parent_wwpn, fc->wwpn) ||
               differs(device.parent_fabric_wwn, fc->fabric_wwn))) {
      continue;
    }
    co_return std::move(entry);
  }
  Fail("Could not find any vport capable device");
}

Task<std::string> NodeDeviceDriver::CreatePort(const model::NodeDevice& device) {
  const model::AbilityDetails* fc = device.capability.Find(Ability::kFcHost);
  if (!fc) Fail("Device is not a fibre channel HBA");
  Entry parent = co_await PortParent(device);
  co_await OrderPort(LastPart(parent.path), "vport_create", fc->wwpn + ":" + fc->wwnn);
  for (Deadline end = In(kNewDeviceLimit);;) {
    auto found = co_await FindByWwn(fc->wwnn, fc->wwpn);
    if (found) co_return *found;
    if (Clock::now() >= end) break;
    co_await Sleep(kNewDevicePoll);
  }
  throw Error(ErrorDomain::kNodedev, ErrorCode::kNoNodeDevice,
              "no node device for 'new device' with matching wwnn '" + fc->wwnn + "' and wwpn '" + fc->wwpn + "'");
}

Task<NodeDeviceCreateXmlRet> NodeDeviceDriver::CreateXml(Call&, NodeDeviceCreateXmlArgs args) {
  RefuseFlags(args.flags, kValidate, "nodeDeviceCreateXML");
  const bool validate = co_await xml::StillToValidate(args.flags & kValidate, args.xml_desc, "nodedev", "device");
  model::NodeDevice device = model::ParseNodeDevice(args.xml_desc, validate);
  NodeDeviceCreateXmlRet ret;
  switch (device.capability.type) {
    case Capability::kScsiHost: ret.dev.name = co_await CreatePort(device); break;
    case Capability::kMdev: ret.dev.name = co_await StartMdev(device); break;
    default: FailKind();
  }
  co_return ret;
}

Task<> NodeDeviceDriver::Create(Call&, NodeDeviceCreateArgs args) {
  RefuseFlags(args.flags, 0, "nodeDeviceCreate");
  Entry entry = co_await Find(std::move(args.name));
  if (entry.active) FailState("Device is already active");
  std::vector<std::string> start = {"start", "--uuid="};
  co_await OnDefinition(entry.name, std::move(start), "create mediated device");
}

Task<> NodeDeviceDriver::Destroy(Call&, NodeDeviceDestroyArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  if (!entry.active) FailState("Device '" + entry.name + "' is not active");
  model::NodeDevice device = co_await Read(entry);
  if (device.capability.type == Capability::kMdev) {
    // A guest that uses it would lose it, and mdevctl would wait for the guest.
    auto busy = [group = device.capability.mdev.iommu_group] {
      Fd fd(open(("/dev/vfio/" + std::to_string(group)).c_str(), O_RDONLY | O_CLOEXEC));
      return !fd && errno == EBUSY;
    };
    if (co_await Offload(busy)) Fail("Unable to destroy '" + entry.name + "': device in use");
    std::vector<std::string> arguments = {"stop", "--uuid=" + device.capability.mdev.uuid->ToString()};
    co_await RunMdevctl(std::move(arguments), "", "destroy '" + entry.name + "'");
    co_return;
  }
  if (device.capability.type != Capability::kScsiHost) FailKind();
  const model::AbilityDetails* fc = device.capability.Find(Ability::kFcHost);
  if (!fc) Fail("Device is not a fibre channel HBA");
  // Only what was made below another host can be unmade.
  if (!device.parent.starts_with("scsi_host")) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Invalid adapter name '" + device.parent + "' for SCSI pool");
  }
  co_await OrderPort(device.parent.substr(device.parent.find("host")), "vport_delete", fc->wwpn + ":" + fc->wwnn);
}

// Tells mdevctl to do something with the device of a definition; the last word ends with its UUID.
Task<> NodeDeviceDriver::OnDefinition(std::string name, std::vector<std::string> arguments, std::string purpose) {
  const MdevDefinition* definition = definitions_.Find(name);
  if (!definition) FailState("Node device '" + name + "' is not defined");
  arguments.back() += definition->mdev.uuid->ToString();
  co_await RunMdevctl(std::move(arguments), "", std::move(purpose));
}

Task<NodeDeviceDefineXmlRet> NodeDeviceDriver::DefineXml(Call&, NodeDeviceDefineXmlArgs args) {
  RefuseFlags(args.flags, kValidate, "nodeDeviceDefineXML");
  const bool validate = co_await xml::StillToValidate(args.flags & kValidate, args.xml_desc, "nodedev", "device");
  model::NodeDevice device = model::ParseNodeDevice(args.xml_desc, validate);
  if (device.capability.type != Capability::kMdev) FailKind();
  co_await Refresh();
  MdevDefinition definition;
  definition.parent_address = co_await MdevParentAddress(device);
  definition.mdev = std::move(device.capability.mdev);
  definition.mdev.parent_address = definition.parent_address;
  std::string output = co_await CallWithDevice("define", definition.parent_address, definition.mdev, "define mediated device");
  definition.mdev.uuid = MadeUuid(definition.mdev, output);
  NodeDeviceDefineXmlRet ret;
  ret.dev.name = definition.name();
  bool is_new = !definitions_.Find(ret.dev.name);
  definitions_.Put(std::move(definition));
  if (is_new) TellLifecycle(ret.dev.name, kDefined);
  co_return ret;
}

Task<> NodeDeviceDriver::Undefine(Call&, NodeDeviceUndefineArgs args) {
  RefuseFlags(args.flags, 0, "nodeDeviceUndefine");
  Entry entry = co_await Find(std::move(args.name));
  if (IsComputer(entry)) FailKind();
  std::vector<std::string> undefine = {"undefine", "--uuid="};
  co_await OnDefinition(entry.name, std::move(undefine), "undefine mediated device");
  definitions_.Remove(entry.name);
  TellLifecycle(entry.name, kUndefined);
}

Task<> NodeDeviceDriver::SetAutostart(Call&, NodeDeviceSetAutostartArgs args) {
  Entry entry = co_await Find(std::move(args.name));
  if (!(entry.capabilities & Bit(Capability::kMdev))) {
    throw Error(ErrorDomain::kNodedev, ErrorCode::kOperationUnsupported, "Unsupported device type");
  }
  const MdevDefinition* definition = definitions_.Find(entry.name);
  if (!definition) FailState("cannot set autostart for transient device");
  std::vector<std::string> modify = {"modify", "--uuid", definition->mdev.uuid->ToString(), args.autostart ? "--auto" : "--manual"};
  co_await RunMdevctl(std::move(modify), "", "set autostart on '" + entry.name + "'");
  if (MdevDefinition* changed = definitions_.Find(entry.name)) changed->autostart = args.autostart != 0;
}

}  // namespace bv::nodedev
