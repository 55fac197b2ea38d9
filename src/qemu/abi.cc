#include "qemu/abi.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/text.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr unsigned kWhole = kFormatInactive | kFormatSecure;

template <typename... Args>
[[noreturn]] void Differs(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

void KeepGuestSide(Disk& disk) {
  Disk kept;
  kept.device = disk.device;
  kept.dst = disk.dst;
  kept.bus = disk.bus;
  kept.model = disk.model;
  kept.driver.virtio = disk.driver.virtio;
  kept.serial = disk.serial;
  kept.wwn = disk.wwn;
  kept.vendor = disk.vendor;
  kept.product = disk.product;
  kept.source.readonly = disk.source.readonly;
  kept.source.type = StorageType::kFile;
  kept.info.address = disk.info.address;
  disk = std::move(kept);
}

void KeepGuestSide(Interface& net) {
  Interface kept;
  kept.mac = net.mac;
  kept.model = net.model;
  kept.mtu = net.mtu;
  kept.info.address = net.info.address;
  net = std::move(kept);
}

void KeepGuestSide(Chardev& chardev) {
  chardev.source = {};
  chardev.source.type = ChardevType::kPty;
  chardev.info.alias.clear();
}

// What the guest cannot see is made the same everywhere.
std::string GuestSide(const DomainDef& def) {
  auto seen = CopyDefinition(def);
  seen->title.clear();
  seen->description.clear();
  seen->metadata.clear();
  seen->emulator.clear();
  seen->lifecycle = {};
  seen->blkio = {};
  seen->memory.tune = {};
  seen->cputune = {};
  seen->numatune = {};
  seen->resource = {};
  seen->perf = {};
  seen->seclabels.clear();
  seen->vcpu.cpuset.reset();
  seen->vcpu.placement = {};
  seen->os.boot.clear();
  seen->os.kernel.clear();
  seen->os.initrd.clear();
  seen->os.cmdline.clear();
  seen->os.nvram.reset();
  seen->os.loader.reset();
  seen->graphics.clear();
  seen->audios.clear();
  seen->qemu = {};
  for (auto& disk : seen->disks) KeepGuestSide(*disk);
  for (auto& net : seen->interfaces) KeepGuestSide(*net);
  for (auto* list : {&seen->serials, &seen->parallels, &seen->consoles, &seen->channels}) {
    for (auto& chardev : *list) KeepGuestSide(*chardev);
  }
  return FormatDomain(*seen, kWhole);
}

}  // namespace

std::unique_ptr<DomainDef> CopyDefinition(const DomainDef& def) {
  return std::make_unique<DomainDef>(ParseDomain(FormatDomain(def, kWhole), kParseInactive | kParseSkipChecks));
}

void CheckSameAbi(const DomainDef& was, const DomainDef& is) {
  if (was.uuid != is.uuid) Differs("Target domain uuid {} does not match source {}", is.uuid.ToString(), was.uuid.ToString());
  if (was.memory.total != is.memory.total) Differs("Target domain max memory {} does not match source {}", is.memory.total, was.memory.total);
  if (was.disks.size() != is.disks.size()) Differs("Target domain disk count {} does not match source {}", is.disks.size(), was.disks.size());
  auto one = GuestSide(was), other = GuestSide(is);
  if (one == other) return;
  auto before = SplitAt(one, '\n'), after = SplitAt(other, '\n');
  auto [source, target] = std::ranges::mismatch(before, after);
  auto shown = [](auto at, auto& lines) { return at == lines.end() ? std::string_view() : at->substr(std::min(at->find('<'), at->size())); };
  Differs("Target domain has '{}' where source has '{}'", shown(target, after), shown(source, before));
}

}  // namespace bv::qemu
