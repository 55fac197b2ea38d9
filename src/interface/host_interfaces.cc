#include "interface/host_interfaces.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "host/link_state.h"

namespace bv::interface {

namespace {

using host::DeviceFiles;
using model::HostInterface;
using model::HostInterfaceType;

constexpr char kClass[] = "/sys/class/net/";

std::string Quoted(const std::string& text) { return "'" + text + "'"; }
[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kInterface, ErrorCode::kInternalError, std::move(text)); }
[[noreturn]] void FailMissing(const std::string& name) {
  throw Error(ErrorDomain::kInterface, ErrorCode::kNoInterface, "couldn't find interface named " + Quoted(name));
}

template <typename I>
bool ReadNumber(std::string_view text, I& number) {
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// One interface's files.
class Directory {
 public:
  Directory(const DeviceFiles& files, const std::string& name) : files_(files), name_(name), path_(kClass + name) {
    // A name is one part of a path, and not a place of its own.
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos || !files.Exists(path_ + "/uevent")) FailMissing(name);
  }

  std::optional<std::string> Find(const std::string& file) const { return files_.Read(path_ + "/" + file); }
  std::string Get(const std::string& file) const {
    auto text = Find(file);
    if (!text) Fail("Could not retrieve " + Quoted(file) + " for " + Quoted(name_));
    return *text;
  }
  int Number(const std::string& file) const {
    std::string text = Get(file);
    int number = 0;
    if (!ReadNumber(text, number)) Fail("Could not parse " + Quoted(file) + " " + Quoted(text) + " for " + Quoted(name_));
    return number;
  }
  // Of a file that has a word and its number: "active-backup 1".
  int SecondNumber(const std::string& file) const {
    std::string text = Get(file);
    std::size_t space = text.find(' ');
    if (space == std::string::npos) Fail("Invalid format for " + Quoted(file) + " for " + Quoted(name_));
    int number = 0;
    if (!ReadNumber(std::string_view(text).substr(space + 1), number)) {
      Fail("Could not parse " + Quoted(file) + " " + Quoted(text.substr(space)) + " for " + Quoted(name_));
    }
    return number;
  }
  // The value of an enum, of which one past the last is none.
  template <typename E>
  static E Known(int number) {
    bool known = number >= 0 && static_cast<std::size_t>(number) < std::size(model::Spelling<E>::kNames);
    return known ? static_cast<E>(number) : E{};
  }

  const DeviceFiles& files() const { return files_; }
  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

 private:
  const DeviceFiles& files_;
  const std::string& name_;
  std::string path_;
};

HostInterface Member(const Directory& of, const std::string& name, const char* what) {
  try {
    HostInterface member = ReadInterface(of.files(), name);
    member.mtu = 0;
    return member;
  } catch (const Error&) {
    Fail("Could not get interface information for " + Quoted(name) + ", which is " + what + " " + Quoted(of.name()));
  }
}

// Guests' ports come and go with them, and are not told.
bool IsGuests(const std::string& port) { return port.size() >= 5 && port.starts_with("vnet") && port[4] >= '0' && port[4] <= '9'; }

void ReadBridge(const Directory& directory, HostInterface& interface) {
  interface.bridge.delay = directory.Get("bridge/forward_delay");
  int stp = directory.Number("bridge/stp_state");
  if (stp < -1 || stp > 1) {
    Fail("Invalid STP state value " + std::to_string(stp) + " received for " + Quoted(interface.name) + ". Must be -1, 0, or 1.");
  }
  if (stp >= 0) interface.bridge.stp = model::ToOnOff(stp == 1);
  for (const std::string& port : directory.files().Names(directory.path() + "/brif")) {
    if (!IsGuests(port)) interface.bridge.members.push_back(Member(directory, port, "a member of bridge"));
  }
}

void ReadBond(const Directory& directory, HostInterface& interface) {
  model::HostBond& bond = interface.bond;
  model::MiiMonitor mii;
  model::ArpMonitor arp;
  mii.down_delay = directory.Number("bonding/downdelay");
  mii.up_delay = directory.Number("bonding/updelay");
  mii.frequency = directory.Number("bonding/miimon");
  arp.interval = directory.Number("bonding/arp_interval");
  bond.mode = Directory::Known<model::BondMode>(directory.SecondNumber("bonding/mode") + 1);
  arp.validate = Directory::Known<model::BondValidate>(directory.SecondNumber("bonding/arp_validate"));
  mii.carrier = Directory::Known<model::BondCarrier>(directory.Number("bonding/use_carrier") + 1);
  arp.target = directory.Get("bonding/arp_ip_target");
  if (arp.interval > 0) bond.arp = std::move(arp);
  else if (mii.frequency > 0) bond.mii = mii;

  constexpr std::string_view kPrefix = "slave_";
  for (const std::string& entry : directory.files().Names(directory.path())) {
    if (entry.starts_with(kPrefix)) bond.members.push_back(Member(directory, entry.substr(kPrefix.size()), "a enslaved in bond"));
  }
}

void ReadVlan(const Directory& directory, HostInterface& interface) {
  std::string path = "/proc/net/vlan/" + interface.name;
  auto text = directory.files().Read(path);
  if (!text) throw SystemError(ErrorDomain::kNone, "Failed to open file " + Quoted(path));
  for (std::string_view line : SplitAt(*text, '\n')) {
    auto words = Words(line);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "VID:" && interface.vlan.tag.empty()) interface.vlan.tag = words[i + 1];
      if (words[i] == "Device:" && interface.vlan.device.empty()) interface.vlan.device = words[i + 1];
    }
  }
  if (interface.vlan.tag.empty()) Fail("failed to find the VID for the VLAN device " + Quoted(interface.name));
  if (interface.vlan.device.empty()) Fail("failed to find the real device for the VLAN device " + Quoted(interface.name));
}

HostInterfaceType TypeOf(const Directory& directory) {
  std::string properties = directory.Find("uevent").value_or("");
  for (std::string_view line : SplitAt(properties, '\n')) {
    if (!line.starts_with("DEVTYPE=")) continue;
    auto type = model::FromString<HostInterfaceType>(line.substr(line.find('=') + 1));
    if (type && *type != HostInterfaceType::kEthernet) return *type;
  }
  // Old kernels do not say what bonds are.
  return directory.Find("bonding/mode") ? HostInterfaceType::kBond : HostInterfaceType::kEthernet;
}

}  // namespace

Link ReadLink(const DeviceFiles& files, const std::string& name) {
  Directory directory(files, name);
  return {name, directory.Find("address"), directory.Find("operstate").value_or("")};
}

std::vector<Link> ReadLinks(const DeviceFiles& files) {
  std::vector<std::pair<std::string, std::string>> places;
  for (const std::string& name : files.Names(kClass)) places.emplace_back(files.LinkTarget(kClass + name), name);
  std::ranges::sort(places);
  std::vector<Link> links;
  for (auto& [place, name] : places) {
    std::string path = kClass + name;
    if (place.empty() || files.Exists(path + "/brport/state") || files.Exists(path + "/tun_flags")) continue;
    try {
      links.push_back(ReadLink(files, name));
    } catch (const Error&) {
      // It went away meanwhile.
    }
  }
  return links;
}

HostInterface ReadInterface(const DeviceFiles& files, const std::string& name) {
  Directory directory(files, name);
  HostInterface interface;
  interface.name = name;
  interface.mac = directory.Find("address");
  std::string mtu = directory.Find("mtu").value_or("<null>");
  if (!ReadNumber(mtu, interface.mtu)) Fail("Could not parse MTU value " + Quoted(mtu));
  interface.link = host::ReadLinkState(files, name);
  interface.type = TypeOf(directory);
  switch (interface.type) {
    case HostInterfaceType::kBridge: ReadBridge(directory, interface); break;
    case HostInterfaceType::kBond: ReadBond(directory, interface); break;
    case HostInterfaceType::kVlan: ReadVlan(directory, interface); break;
    case HostInterfaceType::kEthernet: break;
  }
  return interface;
}

}  // namespace bv::interface
