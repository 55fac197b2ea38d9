#pragma once

#include <optional>
#include <string>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// A piece of guest memory whose back end is to be described.
struct MemoryRegion {
  std::string alias;      // of the back end: "pc.ram", "ram-node0", "memdimm0"
  model::KiB size = 0;
  std::optional<unsigned> cell;  // the guest NUMA cell it belongs to
  bool is_default_ram = false;   // the whole memory of a machine without cells
  const model::MemoryDevice* device = nullptr;  // when it is a memory device
};

// How a region is backed. `needed` is false when QEMU would do the same by itself.
struct MemoryBackend {
  Props object;                         // "-object" or object-add
  std::optional<Props> thread_context;  // to make before it
  bool needed = false;
};

// Throws kConfigUnsupported (domain kNone) for host NUMA nodes that are not there, kInternalError
// when no hugetlbfs mount has the wanted page size.
MemoryBackend DescribeMemoryBackend(const MemoryRegion& region, const Context& context);

// Throws kConfigUnsupported (domain kNone) for a node of the host that is not there.
void CheckNodesExist(const Bitmap& nodes, const Context& context);

void AddBackend(const MemoryBackend& backend, CommandLine* out);

// "-m", and the back end of the default RAM or the flags that do without.
void AddMemory(const Context& context, CommandLine* out);
// "-mem-prealloc" and "-mem-path" where QEMU allocates cells itself.
void AddMemoryPath(const Context& context, CommandLine* out);

}  // namespace bv::qemu
