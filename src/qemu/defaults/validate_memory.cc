#include <fmt/format.h>

#include <bit>

#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void OneDevice(const DomainDef& def, const MemoryDevice& device) {
  switch (device.model) {
    case MemoryModel::kNvdimm:
      if (device.label_size && device.label_size >= device.size) BadXml("label size must be smaller than NVDIMM size");
      break;
    case MemoryModel::kVirtioMem:
      if (device.block_size && !std::has_single_bit(device.block_size)) BadDetail("block size must be a power of two");
      if (device.requested_size > device.size) {
        BadDetail(fmt::format("requested size must be smaller than or equal to @size ({}KiB)", device.size));
      }
      break;
    default:
      break;
  }
  const bool slotted = device.model == MemoryModel::kDimm || device.model == MemoryModel::kNvdimm;
  if (slotted && !device.node && !def.numa.cells.empty()) {
    Unsupported("target NUMA node needs to be specified for memory device");
  }
  if (device.info.address.type != AddressType::kDimm) return;
  const unsigned slot = device.info.address.dimm.slot;
  if (def.memory.slots && slot >= def.memory.slots) {
    Unsupported(fmt::format("memory device slot '{}' exceeds slots count '{}'", slot, def.memory.slots));
  }
  for (auto& other : def.memory_devices) {
    if (other.get() == &device) break;
    if (other->info.address.type == AddressType::kDimm && other->info.address.dimm.slot == slot) {
      Unsupported(fmt::format("memory device slot '{}' is already being used by another memory device", slot));
    }
  }
}

}  // namespace

void Memory(const DomainDef& def, const QemuCaps& caps) {
  const MemoryBacking& backing = def.memory.backing;
  if (backing.hugepages_given && backing.allocation == MemoryAllocation::kOndemand) {
    Unsupported("hugepages are not allowed with memory allocation ondemand");
  }
  unsigned count = 0;
  for (auto& device : def.memory_devices) {
    if (device->model == MemoryModel::kSgxEpc) {
      if (!caps.Has(QemuCap::kSgxEpc)) Unsupported("sgx epc isn't supported by this QEMU binary");
      continue;
    }
    OneDevice(def, *device);
    ++count;
  }
  if (def.memory.max == 0) {
    if (count) Unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined");
    return;
  }
  if (def.numa.cells.empty()) Unsupported("At least one numa node has to be configured when enabling memory hotplug");
  if (count > def.memory.slots) {
    Unsupported(fmt::format("memory device count '{}' exceeds slots count '{}'", count, def.memory.slots));
  }
}

}  // namespace bv::qemu::validate
