#include "qemu/command_line/device.h"
#include "qemu/command_line/memory.h"
#include "qemu/command_line/small_devices.h"

namespace bv::qemu {

using namespace model;

DeviceParts DescribeMemoryDevice(const MemoryDevice& memory, const Context& context) {
  DeviceParts parts;
  const std::string backend_id = "mem" + memory.info.alias;
  if (memory.model == MemoryModel::kSgxEpc) throw Unsupported("sgx epc isn't supported by this QEMU binary");
  MemoryBackend backend =
      DescribeMemoryBackend({.alias = backend_id, .size = memory.size, .cell = memory.node, .device = &memory}, context);
  if (backend.thread_context) parts.objects.push_back(*backend.thread_context);
  parts.objects.push_back(backend.object);

  const char* driver = memory.model == MemoryModel::kDimm        ? "pc-dimm"
                       : memory.model == MemoryModel::kNvdimm    ? "nvdimm"
                       : memory.model == MemoryModel::kVirtioMem ? "virtio-mem-pci"
                                                                 : "virtio-pmem-pci";
  Props props = Props::Device(driver);
  props.Add("node", memory.node).AddSet("label-size", memory.label_size * 1024);
  props.AddSet("block-size", memory.block_size * 1024);
  if (memory.model == MemoryModel::kVirtioMem) props.Add("requested-size", memory.requested_size * 1024);
  if (memory.uuid) props.Add("uuid", memory.uuid->ToString());
  if (memory.readonly) props.Add("unarmed", true);
  props.Add("memdev", backend_id);
  // virtio-mem fills what is plugged instead of its back end.
  if (memory.model == MemoryModel::kVirtioMem && context.Has(QemuCap::kVirtioMemPciPrealloc) &&
      context.def.memory.backing.allocation == MemoryAllocation::kImmediate) {
    props.Add("prealloc", true);
  }
  props.Add("id", memory.info.alias);
  AddAddress(&props, memory.info, context);
  parts.device = std::move(props);
  return parts;
}

void AddMemoryDevice(const MemoryDevice& memory, const Context& context, CommandLine* out) {
  DeviceParts parts = DescribeMemoryDevice(memory, context);
  for (auto& object : parts.objects) out->Object(object);
  AddDevice(*parts.device, memory.info, context, out);
}

void AddMemoryDevices(const Context& context, CommandLine* out) {
  for (auto& memory : context.def.memory_devices) AddMemoryDevice(*memory, context, out);
}

}  // namespace bv::qemu
