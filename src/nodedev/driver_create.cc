// Devices that are made and unmade: mediated devices by the program mdevctl, virtual ports of Fibre Channel hosts by
// the kernel's files.

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
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
constexpr char kMdevctl[] = "mdevctl";

[[noreturn]] void FailKind() { throw Error(ErrorDomain::kNodedev, ErrorCode::kConfigUnsupported, "Unsupported device type"); }
[[noreturn]] void FailState(std::string text) { throw Error(ErrorDomain::kNodedev, ErrorCode::kOperationInvalid, std::move(text)); }
[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kNodedev, ErrorCode::kInternalError, std::move(text)); }

std::string LastPart(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What mdevctl printed. `purpose` completes the fault: "Unable to PURPOSE: what it said".
Task<std::string> RunMdevctl(std::vector<std::string> arguments, std::string input, std::string purpose) {
  auto find = [] { return FindProgram(kMdevctl); };
  auto program = co_await Offload(find);
  if (!program) throw SystemError(ErrorDomain::kNone, ENOENT, "Cannot find 'mdevctl' in path");
  Command command;
  command.program = *program;
  command.argv = {kMdevctl};
  for (std::string& argument : arguments) command.argv.push_back(std::move(argument));
  CommandResult result = co_await Run(std::move(command), std::move(input), In(kNewDeviceLimit));
  if (!result.ok()) Fail("Unable to " + purpose + ": " + (result.errors.empty() ? "Unknown error" : result.errors));
  co_return result.output;
}

std::string MdevJson(const model::Mdev& mdev) {
  Json json = Json::Object({{"mdev_type", mdev.type}, {"start", "manual"}});
  Json attributes = Json::Array();
  for (const model::MdevAttribute& attribute : mdev.attributes) attributes.Append(Json::Object({{attribute.name.c_str(), attribute.value}}));
  if (attributes.size() > 0) json.Set("attrs", attributes);
  return json.Dump();
}

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

}  // namespace

// The address that mdevctl knows the parent by.
Task<std::string> NodeDeviceDriver::MdevParentAddress(const model::NodeDevice& device) {
  constexpr std::uint32_t kParents = Bit(Capability::kPci) | Bit(Capability::kCss) | Bit(Capability::kApMatrix);
  auto unsupported = [](const std::string& text) { return Error(ErrorDomain::kNodedev, ErrorCode::kConfigUnsupported, text); };
  if (device.parent.empty()) throw unsupported("missing parent device");
  co_await devices_.Refresh();
  const Entry* parent = devices_.FindName(device.parent);
  if (!parent) throw unsupported("invalid parent device '" + device.parent + "'");
  if (!(parent->capabilities & kParents)) {
    throw Error(ErrorDomain::kNodedev, ErrorCode::kParseFailed, "Unable to find address for parent device '" + device.parent + "'");
  }
  co_return LastPart(parent->path);
}

Task<std::string> NodeDeviceDriver::StartMdev(const model::NodeDevice& device) {
  std::string address = co_await MdevParentAddress(device);
  std::vector<std::string> arguments = {"start", "--parent=" + address, "--jsonfile=/dev/stdin"};
  if (device.capability.mdev.uuid) arguments.push_back("--uuid=" + device.capability.mdev.uuid->ToString());
  std::string output = co_await RunMdevctl(std::move(arguments), MdevJson(device.capability.mdev), "start mediated device");
  // It tells the UUID if that was left to it.
  std::string uuid = device.capability.mdev.uuid ? device.capability.mdev.uuid->ToString() : output.substr(0, output.find('\n'));
  std::string name = NameOf("mdev", uuid, address);
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
  model::NodeDevice device = model::ParseNodeDevice(args.xml_desc, args.flags & kValidate);
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
  co_await Find(std::move(args.name));
  FailState("Device is already active");
}

Task<> NodeDeviceDriver::Destroy(Call&, NodeDeviceDestroyArgs args) {
  Entry entry = co_await Find(std::move(args.name));
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

// Definitions that outlive their devices are mdevctl's, and are not followed yet: what is not there, nobody defined.
Task<NodeDeviceDefineXmlRet> NodeDeviceDriver::DefineXml(Call&, NodeDeviceDefineXmlArgs args) {
  RefuseFlags(args.flags, kValidate, "nodeDeviceDefineXML");
  model::NodeDevice device = model::ParseNodeDevice(args.xml_desc, args.flags & kValidate);
  if (device.capability.type != Capability::kMdev) FailKind();
  co_await MdevParentAddress(device);
  throw Error(ErrorDomain::kNodedev, ErrorCode::kOperationUnsupported, "mediated devices cannot be defined");
}

Task<> NodeDeviceDriver::Undefine(Call&, NodeDeviceUndefineArgs args) {
  RefuseFlags(args.flags, 0, "nodeDeviceUndefine");
  Entry entry = co_await Find(std::move(args.name));
  if (IsComputer(entry)) FailKind();
  FailState("Node device '" + entry.name + "' is not defined");
}

}  // namespace bv::nodedev
