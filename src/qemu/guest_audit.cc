#include "qemu/guest_audit.h"

#include <fmt/core.h>

#include "daemon/audit.h"

namespace bv::qemu {
namespace {

constexpr const char* kStartReasons[] = {"booted", "migrated", "restored", "from-snapshot", "booted"};
constexpr const char* kStopReasons[] = {"unknown", "shutdown", "destroyed", "failed", "migrated",
                                        "saved",   "failed",   "from-snapshot", "shutdown"};

std::string VirtOf(const Domain& domain) { return fmt::format("virt={}", model::ToString(domain.def().virt_type)); }

std::string VmOf(const Domain& domain) {
  return fmt::format("{} uuid={}", audit::Field("vm", domain.name()), domain.uuid().ToString());
}

void Lifecycle(const Domain& domain, const char* what, const char* reason, pid_t process, bool success) {
  audit::Record(audit::Kind::kControl, success,
                fmt::format("{} op={} reason={} {} vm-pid={}", VirtOf(domain), what, reason, VmOf(domain), process));
}

// Without a value there is nothing to tell.
struct Device {
  std::string kind, value;
};

std::string PathOf(const model::ChardevSource& source) {
  using Type = model::ChardevType;
  bool has_path = source.type == Type::kPty || source.type == Type::kDev || source.type == Type::kFile ||
                  source.type == Type::kPipe || source.type == Type::kUnix;
  return has_path ? source.path : std::string();
}

void AddChardevs(std::vector<Device>& to, const model::DomainDef& def) {
  for (auto* list : {&def.serials, &def.parallels, &def.channels, &def.consoles}) {
    for (auto& chardev : *list) {
      bool twin = chardev->kind == model::ChardevKind::kConsole && chardev->console_target == model::ConsoleTarget::kSerial;
      if (!twin) to.push_back({"chardev", PathOf(chardev->source)});
    }
  }
}

std::vector<Device> DevicesOf(const model::DomainDef& def) {
  std::vector<Device> devices;
  for (auto& disk : def.disks) devices.push_back({"disk", disk->source.path});
  for (auto& net : def.interfaces) {
    char text[18];
    devices.push_back({"net", net->mac ? std::string(net->mac->FormatTo(text)) : std::string()});
  }
  for (auto& filesystem : def.filesystems) devices.push_back({"fs", filesystem->source});
  AddChardevs(devices, def);
  for (auto& rng : def.rngs) devices.push_back({"rng", rng->path.empty() ? PathOf(rng->source) : rng->path});
  return devices;
}

AuditedResource Counted(const char* kind, std::uint64_t value) { return {kind, fmt::format("old-{}=0 new-{}={}", kind, kind, value)}; }

}  // namespace

std::vector<AuditedResource> ResourcesOf(const model::DomainDef& def) {
  std::vector<AuditedResource> records;
  for (const Device& device : DevicesOf(def)) {
    if (device.value.empty()) continue;
    records.push_back({device.kind, fmt::format("old-{}=\"?\" {}", device.kind, audit::Field("new-" + device.kind, device.value))});
  }
  if (def.memory.total) records.push_back(Counted("mem", def.memory.total));
  records.push_back(Counted("vcpu", def.vcpu.current.value_or(def.vcpu.max)));
  if (!def.iothreads.ids.empty()) records.push_back(Counted("iothread", def.iothreads.ids.size()));
  return records;
}

void AuditLabel(const Domain& domain, const QemuConfig& config) {
  if (!config.privileged) return;
  std::string label = fmt::format("+{}:+{}", config.uid, config.gid);
  audit::Record(audit::Kind::kMachineId, true,
                fmt::format("{} {} vm-ctx={} img-ctx={} model=dac", VirtOf(domain), VmOf(domain), label, label));
}

void AuditStart(const Domain& domain, int detail, pid_t process, bool success) {
  for (const AuditedResource& resource : ResourcesOf(domain.def())) {
    audit::Record(audit::Kind::kResource, true,
                  fmt::format("{} resrc={} reason=start {} {}", VirtOf(domain), resource.kind, VmOf(domain), resource.change));
  }
  Lifecycle(domain, "start", kStartReasons[detail], process, success);
}

void AuditStop(const Domain& domain, int reason) { Lifecycle(domain, "stop", kStopReasons[reason], 0, true); }

}  // namespace bv::qemu
