#include "qemu/agent_answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace bv::qemu {
namespace {

using model::DomainDef;
using Params = std::vector<TypedParam>;

void Add(Params& params, std::string field, TypedParamValue value) {
  params.push_back({std::move(field), std::move(value)});
}
void AddText(Params& params, std::string field, const Json& value) {
  if (auto text = value.AsString()) Add(params, std::move(field), *text);
}
std::uint32_t Count(std::size_t size) { return static_cast<std::uint32_t>(size); }

unsigned Number(const Json& object, const char* key) { return static_cast<unsigned>(object[key].AsUint().value_or(0)); }

// The definition's disk that the guest sees at a place, given as QEMU's agent does: the PCI device
// that it is or that its controller is, and its place on that controller's bus.
const model::Disk* FindDisk(const DomainDef& def, const Json& place) {
  auto controller = place["pci-controller"];
  model::PciAddress pci;
  pci.domain = Number(controller, "domain");
  pci.bus = Number(controller, "bus");
  pci.slot = Number(controller, "slot");
  pci.function = Number(controller, "function");
  for (auto& disk : def.disks) {
    auto& address = disk->info.address;
    if (address.type == model::AddressType::kPci && address.pci.SamePlace(pci)) return disk.get();
    if (address.type != model::AddressType::kDrive || address.drive.bus != Number(place, "bus") ||
        address.drive.target != Number(place, "target") || address.drive.unit != Number(place, "unit"))
      continue;
    for (auto& c : def.controllers) {
      auto& at = c->info.address;
      if (at.type == model::AddressType::kPci && at.pci.SamePlace(pci) && c->index == address.drive.controller &&
          model::ToString(c->type) == model::ToString(disk->bus))
        return disk.get();
    }
  }
  return nullptr;
}

// libvirt tells file systems from the last to the first.
std::vector<Json> Reversed(const Json& answer) {
  auto list = answer.elements();
  std::reverse(list.begin(), list.end());
  return list;
}

Params ReadUsers(const Json& answer, const DomainDef&) {
  Params params;
  Add(params, "user.count", Count(answer.size()));
  unsigned i = 0;
  for (auto& user : answer.elements()) {
    auto prefix = fmt::format("user.{}.", i++);
    Add(params, prefix + "name", user.GetString("user"));
    AddText(params, prefix + "domain", user["domain"]);
    // The agent counts seconds with a fraction.
    Add(params, prefix + "login-time", static_cast<std::uint64_t>(user.GetDouble("login-time") * 1000));
  }
  return params;
}

Params ReadOs(const Json& answer, const DomainDef&) {
  Params params;
  for (auto* key : {"id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id",
                    "kernel-release", "kernel-version"})
    AddText(params, std::string("os.") + key, answer[key]);
  return params;
}

Params ReadTimezone(const Json& answer, const DomainDef&) {
  Params params;
  AddText(params, "timezone.name", answer["zone"]);
  Add(params, "timezone.offset", static_cast<std::int32_t>(answer.GetInt("offset")));
  return params;
}

Params ReadHostname(const Json& answer, const DomainDef&) {
  return {{"hostname", answer.GetString("host-name")}};
}

Params ReadFilesystems(const Json& answer, const DomainDef& def) {
  Params params;
  Add(params, "fs.count", Count(answer.size()));
  unsigned i = 0;
  for (auto& fs : Reversed(answer)) {
    auto prefix = fmt::format("fs.{}.", i++);
    Add(params, prefix + "name", fs.GetString("name"));
    Add(params, prefix + "mountpoint", fs.GetString("mountpoint"));
    Add(params, prefix + "fstype", fs.GetString("type"));
    for (auto* key : {"total-bytes", "used-bytes"}) {
      if (auto bytes = fs[key].AsUint()) Add(params, prefix + key, *bytes);
    }
    Add(params, prefix + "disk.count", Count(fs["disk"].size()));
    unsigned n = 0;
    for (auto& place : fs["disk"].elements()) {
      auto disk_prefix = fmt::format("{}disk.{}.", prefix, n++);
      if (auto* disk = FindDisk(def, place)) Add(params, disk_prefix + "alias", disk->dst);
      AddText(params, disk_prefix + "serial", place["serial"]);
      AddText(params, disk_prefix + "device", place["dev"]);
    }
  }
  return params;
}

Params ReadDisks(const Json& answer, const DomainDef& def) {
  Params params;
  Add(params, "disk.count", Count(answer.size()));
  unsigned i = 0;
  for (auto& disk : answer.elements()) {
    auto prefix = fmt::format("disk.{}.", i++);
    Add(params, prefix + "name", disk.GetString("name"));
    Add(params, prefix + "partition", disk.GetBool("partition"));
    if (auto count = disk["dependencies"].size()) {
      Add(params, prefix + "dependency.count", Count(count));
      unsigned n = 0;
      for (auto& name : disk["dependencies"].elements())
        AddText(params, fmt::format("{}dependency.{}.name", prefix, n++), name);
    }
    if (auto place = disk["address"]) {
      AddText(params, prefix + "serial", place["serial"]);
      if (auto* found = FindDisk(def, place)) Add(params, prefix + "alias", found->dst);
    }
    AddText(params, prefix + "guest_alias", disk["alias"]);
  }
  return params;
}

constexpr std::int32_t kIpv4 = 0, kIpv6 = 1;  // virIPAddrType

Params ReadInterfaceParams(const Json& answer, const DomainDef&) {
  Params params;
  auto interfaces = ReadInterfaces(answer);
  Add(params, "if.count", Count(interfaces.size()));
  unsigned i = 0;
  for (auto& interface : interfaces) {
    auto prefix = fmt::format("if.{}.", i++);
    Add(params, prefix + "name", interface.name);
    Add(params, prefix + "hwaddr", interface.hwaddr.value_or(""));
    Add(params, prefix + "addr.count", Count(interface.addrs.size()));
    unsigned n = 0;
    for (auto& address : interface.addrs) {
      auto at = fmt::format("{}addr.{}.", prefix, n++);
      Add(params, at + "type", address.type == kIpv4 ? "ipv4" : "ipv6");
      Add(params, at + "addr", address.addr);
      Add(params, at + "prefix", address.prefix);
    }
  }
  return params;
}

}  // namespace

const std::vector<GuestInfoKind>& GuestInfoKinds() {
  static const std::vector<GuestInfoKind> kinds = {
      {kGuestUsers, "guest-get-users", &ReadUsers},
      {kGuestOs, "guest-get-osinfo", &ReadOs},
      {kGuestTimezone, "guest-get-timezone", &ReadTimezone},
      {kGuestHostname, "guest-get-host-name", &ReadHostname},
      {kGuestFilesystems, "guest-get-fsinfo", &ReadFilesystems},
      {kGuestDisks, "guest-get-disks", &ReadDisks},
      {kGuestInterfaces, "guest-network-get-interfaces", &ReadInterfaceParams},
  };
  return kinds;
}

std::vector<remote::DomainFsinfo> ReadFsinfo(const Json& answer, const DomainDef& def) {
  std::vector<remote::DomainFsinfo> list;
  for (auto& fs : Reversed(answer)) {
    remote::DomainFsinfo info;
    info.mountpoint = fs.GetString("mountpoint");
    info.name = fs.GetString("name");
    info.fstype = fs.GetString("type");
    for (auto& place : fs["disk"].elements()) {
      if (auto* disk = FindDisk(def, place)) info.dev_aliases.push_back(disk->dst);
    }
    list.push_back(std::move(info));
  }
  return list;
}

std::vector<remote::DomainInterface> ReadInterfaces(const Json& answer) {
  std::vector<remote::DomainInterface> list;
  for (auto& item : answer.elements()) {
    auto name = item.GetString("name");
    name = name.substr(0, name.find(':'));
    auto at = std::find_if(list.begin(), list.end(), [&](auto& known) { return known.name == name; });
    if (at == list.end()) {
      remote::DomainInterface interface;
      interface.name = name;
      interface.hwaddr = item["hardware-address"].AsString();
      at = list.insert(list.end(), std::move(interface));
    }
    for (auto& address : item["ip-addresses"].elements()) {
      remote::DomainIpAddr found;
      found.type = address.GetString("ip-address-type") == "ipv4" ? kIpv4 : kIpv6;
      found.addr = address.GetString("ip-address");
      found.prefix = static_cast<std::uint32_t>(address.GetUint("prefix"));
      at->addrs.push_back(std::move(found));
    }
  }
  return list;
}

std::vector<GuestVcpu> ReadGuestVcpus(const Json& answer) {
  std::vector<GuestVcpu> vcpus;
  for (auto& item : answer.elements()) {
    GuestVcpu vcpu;
    vcpu.id = static_cast<unsigned>(item.GetUint("logical-id"));
    vcpu.online = item.GetBool("online");
    vcpu.can_offline = item["can-offline"].AsBool().value_or(false);
    vcpus.push_back(vcpu);
  }
  return vcpus;
}

std::vector<TypedParam> GuestVcpuParams(const std::vector<GuestVcpu>& vcpus) {
  Bitmap all, online, offlinable;
  for (auto& vcpu : vcpus) {
    all.Set(vcpu.id);
    if (vcpu.online) online.Set(vcpu.id);
    if (vcpu.can_offline) offlinable.Set(vcpu.id);
  }
  return {{"vcpus", all.Format()}, {"online", online.Format()}, {"offlinable", offlinable.Format()}};
}

Json SetVcpusArguments(const std::vector<GuestVcpu>& vcpus) {
  auto list = Json::Array();
  for (auto& vcpu : vcpus) list.Append(Json::Object({{"logical-id", vcpu.id}, {"online", vcpu.online}}));
  return Json::Object({{"vcpus", list}});
}

}  // namespace bv::qemu
