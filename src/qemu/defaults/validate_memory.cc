#include <fmt/format.h>

#include <unistd.h>

#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void Hugepages(const DomainDef& def) {
  const Hugepage* master = nullptr;
  std::size_t nodes = def.numa.cells.size();
  for (auto& page : def.memory.backing.hugepages) {
    if (!page.nodeset) {
      if (master) BadDetail(fmt::format("two master hugepages detected: {} and {}", master->size, page.size));
      master = &page;
      continue;
    }
    if (nodes == 0) {
      // Without cells all memory is node 0.
      if (auto other = page.nodeset->Next(1)) BadDetail(fmt::format("hugepages: node {} not found", *other));
      continue;
    }
    if (auto beyond = page.nodeset->Next(nodes)) BadDetail(fmt::format("hugepages: node {} not found", *beyond));
  }
}

void Numatune(const DomainDef& def) {
  if (def.numatune.nodes.empty()) return;
  if (def.numatune.memory && def.numatune.memory->placement == NumaPlacement::kAuto) {
    Nonsense("Per-node binding is not compatible with automatic NUMA placement.");
  }
}

void Devices(const DomainDef& def, const QemuCaps& caps) {
  unsigned slotted = 0;
  KiB hotplugged = 0;
  for (auto& device : def.memory_devices) {
    if (device->model == MemoryModel::kSgxEpc) {
      if (!caps.Has(QemuCap::kSgxEpc)) Unsupported("sgx epc isn't supported by this QEMU binary");
      continue;
    }
    if (device->node && !def.numa.cells.empty() && *device->node >= def.numa.cells.size()) {
      BadDetail(fmt::format("can't add memory backend for guest node '{}' as the guest has only '{}' NUMA nodes configured",
                            *device->node, def.numa.cells.size()));
    }
    hotplugged += device->size;
    slotted += device->model == MemoryModel::kDimm || device->model == MemoryModel::kNvdimm;
  }
  if (def.memory.max != 0 && def.numa.cells.empty()) {
    Unsupported("At least one numa node has to be configured when enabling memory hotplug");
  }
  if (hotplugged == 0) return;
  if (def.memory.max == 0) Unsupported("maxMemory has to be specified when using memory devices");
  if (slotted > def.memory.slots) {
    Unsupported(fmt::format("memory device count '{}' exceeds slots count '{}'", slotted, def.memory.slots));
  }
}

}  // namespace

void Memory(const DomainDef& def, const QemuCaps& caps) {
  Hugepages(def);
  Numatune(def);
  Devices(def, caps);
}

}  // namespace bv::qemu::validate
