#include "qemu/command_line/boot_index.h"

#include <algorithm>

namespace bv::qemu {

using namespace model;

namespace {

BootDevice KindOf(const Disk& disk) {
  switch (disk.device) {
    case DiskDevice::kCdrom:
      return BootDevice::kCdrom;
    case DiskDevice::kFloppy:
      return BootDevice::kFloppy;
    default:
      return BootDevice::kDisk;
  }
}

}  // namespace

unsigned EffectiveBootIndex(const DomainDef& def, const DeviceInfo& info) {
  if (def.os.boot.empty()) return info.boot_order;
  for (std::size_t i = 0; i < def.os.boot.size(); ++i) {
    BootDevice kind = def.os.boot[i];
    const DeviceInfo* first = nullptr;
    if (kind == BootDevice::kNetwork) {
      if (!def.interfaces.empty()) first = &def.interfaces.front()->info;
    } else {
      auto disk = std::ranges::find_if(def.disks, [&](auto& candidate) { return KindOf(*candidate) == kind; });
      if (disk != def.disks.end()) first = &(*disk)->info;
    }
    if (first == &info) return static_cast<unsigned>(i) + 1;
  }
  return 0;
}

}  // namespace bv::qemu
