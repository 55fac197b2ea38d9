#include <fmt/format.h>

#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

void Memory(const DomainDef& def, const QemuCaps& caps) {
  unsigned count = 0;
  KiB hotplugged = 0;
  for (auto& device : def.memory_devices) {
    if (device->model == MemoryModel::kSgxEpc) {
      if (!caps.Has(QemuCap::kSgxEpc)) Unsupported("sgx epc isn't supported by this QEMU binary");
      continue;
    }
    hotplugged += device->size;
    ++count;
  }
  if (def.memory.max != 0 && def.numa.cells.empty()) {
    Unsupported("At least one numa node has to be configured when enabling memory hotplug");
  }
  if (hotplugged == 0) return;
  if (def.memory.max == 0) Unsupported("maxMemory has to be specified when using memory devices");
  if (count > def.memory.slots) {
    Unsupported(fmt::format("memory device count '{}' exceeds slots count '{}'", count, def.memory.slots));
  }
}

}  // namespace bv::qemu::validate
