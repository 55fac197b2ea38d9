#include "qemu/command_line/memory.h"

#include <algorithm>

#include "qemu/command_line/paths.h"

namespace bv::qemu {

using namespace model;

namespace {

// Which pages a region is made of.
struct PageChoice {
  bool huge = false;
  bool said_for_region = false;  // then QEMU must be told, it cannot follow -mem-path
  KiB size = 0;                  // 0: the default mount's
};

PageChoice ChoosePages(const MemoryRegion& region, const Context& context) {
  PageChoice choice;
  if (region.device && region.device->page_size) {
    choice = {.huge = true, .said_for_region = true, .size = region.device->page_size};
  } else {
    // A page size for this cell wins over the one without a node set.
    auto& pages = context.def.memory.backing.hugepages;
    auto own = std::ranges::find_if(
        pages, [&](const Hugepage& page) { return page.nodeset && region.cell && page.nodeset->Test(*region.cell); });
    auto general = std::ranges::find_if(pages, [](const Hugepage& page) { return !page.nodeset; });
    if (own != pages.end()) {
      choice = {.huge = true, .said_for_region = true, .size = own->size};
    } else if (general != pages.end()) {
      choice = {.huge = true, .size = general->size};
    } else {
      choice.huge = context.def.memory.backing.hugepages_given && pages.empty();
    }
  }
  if (choice.huge && choice.size == context.host.PageSizeKib()) return {};
  return choice;
}

struct NumaPolicy {
  const Bitmap* nodes = nullptr;
  NumaMode mode = NumaMode::kStrict;
  bool said_for_region = false;
};

NumaPolicy ChoosePolicy(const MemoryRegion& region, const Context& context) {
  const NumaTune& tune = context.def.numatune;
  NumaPolicy policy;
  if (tune.memory) {
    policy.mode = tune.memory->mode;
    if (tune.memory->placement == NumaPlacement::kAuto) {
      if (!context.options.numad_nodes) {
        throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "Advice from numad is needed in case of automatic numa placement");
      }
      policy.nodes = &*context.options.numad_nodes;
    } else if (tune.memory->nodeset) {
      policy.nodes = &*tune.memory->nodeset;
    }
  }
  if (region.cell) {
    auto own = std::ranges::find(tune.nodes, *region.cell, &NumaTuneNode::cell_id);
    if (own != tune.nodes.end()) policy = {.nodes = &own->nodeset, .mode = own->mode, .said_for_region = true};
  }
  if (region.device && region.device->source_nodes) {
    policy.nodes = &*region.device->source_nodes;
    policy.said_for_region = true;
  }
  return policy;
}

// The three settings that a cell or a device may override.
struct Settings {
  MemoryAccess access;
  bool discard;
};

Settings ChooseSettings(const MemoryRegion& region, const Context& context) {
  const MemoryBacking& backing = context.def.memory.backing;
  MemoryAccess access = MemoryAccess::kDefault;
  YesNo discard = YesNo::kAbsent;
  if (region.device) {
    access = region.device->access;
    discard = region.device->discard;
  }
  if (region.cell && *region.cell < context.def.numa.cells.size()) {
    auto& cell = context.def.numa.cells[*region.cell];
    if (access == MemoryAccess::kDefault) access = cell.mem_access;
    if (discard == YesNo::kAbsent) discard = cell.discard;
  }
  if (access == MemoryAccess::kDefault) access = backing.access;
  return {access, discard == YesNo::kAbsent ? backing.discard : discard == YesNo::kYes};
}

Json NodeList(const Bitmap& nodes) {
  Json list = Json::Array();
  for (auto node = nodes.Next(); node; node = nodes.Next(*node + 1)) list.Append(Json(std::uint64_t{*node}));
  return list;
}

// What the guest has at start besides memory devices.
KiB InitialMemory(const DomainDef& def) {
  KiB cells = 0, devices = 0;
  for (auto& cell : def.numa.cells) cells += cell.memory;
  for (auto& device : def.memory_devices) devices += device->size;
  return cells ? cells : def.memory.total - devices;
}

const char* PolicyName(NumaMode mode) { return mode == NumaMode::kStrict ? "bind" : ToString(mode).data(); }

}  // namespace

void CheckNodesExist(const Bitmap& nodes, const Context& context) {
  for (auto node = nodes.Next(); node; node = nodes.Next(*node + 1)) {
    if (!context.host.NumaNodeExists(static_cast<unsigned>(*node))) {
      throw Error(ErrorDomain::kNone, ErrorCode::kConfigUnsupported, fmt::format("NUMA node {} is unavailable", *node));
    }
  }
}

MemoryBackend DescribeMemoryBackend(const MemoryRegion& region, const Context& context) {
  const MemoryBacking& backing = context.def.memory.backing;
  const MemoryDevice* device = region.device;
  const std::string path = device ? device->path : "";
  const bool nvdimm = device && device->model == MemoryModel::kNvdimm;
  const bool is_virtio_mem = device && device->model == MemoryModel::kVirtioMem;
  const bool pmem = device && device->pmem;
  const PageChoice pages = ChoosePages(region, context);
  const Settings settings = ChooseSettings(region, context);
  const NumaPolicy policy = ChoosePolicy(region, context);
  bool prealloc = backing.allocation == MemoryAllocation::kImmediate;

  MemoryBackend backend;
  bool file = false;
  bool canonical_path_matters = false;
  if (path.empty() && backing.source == MemoryBackingSource::kMemfd) {
    backend.object = Props::Object("memory-backend-memfd", region.alias);
    if (pages.huge) {
      KiB size = pages.size ? pages.size : FindHugetlbfsMount(context, 0).page_size_kib;
      backend.object.Add("hugetlb", true).Add("hugetlbsize", size * 1024);
      prealloc = true;
    }
    canonical_path_matters = true;
  } else if (pages.huge || !path.empty() || settings.access != MemoryAccess::kDefault ||
             backing.source == MemoryBackingSource::kFile) {
    file = true;
    backend.object = Props::Object("memory-backend-file", region.alias);
    if (!path.empty()) {
      backend.object.Add("mem-path", path);
      // A plain NVDIMM is filled at start, persistent memory already is.
      if (!pmem) prealloc = true;
    } else if (pages.huge) {
      backend.object.Add("mem-path", HugepageDirectory(context, pages.size));
      prealloc = true;
    } else {
      backend.object.Add("mem-path", MemoryBackingFile(context, region.alias));
    }
    if (settings.discard) backend.object.Add("discard-data", true);
    canonical_path_matters = true;
  } else {
    backend.object = Props::Object("memory-backend-ram", region.alias);
  }

  // virtio-mem reserves and fills what is plugged by itself.
  if (is_virtio_mem) {
    if (context.Has(QemuCap::kVirtioMemPciPrealloc)) prealloc = false;
    if (context.Has(QemuCap::kMemoryBackendFileReserve)) backend.object.Add("reserve", false);
  }

  if (settings.access != MemoryAccess::kDefault) backend.object.Add("share", settings.access == MemoryAccess::kShared);
  if (region.is_default_ram && canonical_path_matters && context.Has(QemuCap::kMemoryBackendFileCanonicalPath)) {
    backend.object.Add("x-use-canonical-path-for-ramblock-id", false);
  }
  if (prealloc) {
    backend.object.Add("prealloc", true);
    if (backing.allocation_threads) backend.object.Add("prealloc-threads", backing.allocation_threads);
  }
  backend.object.Add("size", region.size * 1024);
  if (device) {
    backend.object.AddSet("align", device->align_size * 1024);
    if (pmem) backend.object.Add("pmem", true);
  }

  if (policy.nodes && policy.mode != NumaMode::kRestrictive) {
    CheckNodesExist(*policy.nodes, context);
    backend.object.Add("host-nodes", NodeList(*policy.nodes)).Add("policy", PolicyName(policy.mode));
    if (prealloc && context.Has(QemuCap::kThreadContext)) {
      std::string id = "tc-" + region.alias;
      backend.thread_context = Props::Object("thread-context", id).Add("node-affinity", NodeList(*policy.nodes));
      backend.object.Add("prealloc-context", id);
    }
  } else if (policy.nodes) {
    CheckNodesExist(*policy.nodes, context);
  }

  backend.needed = pages.said_for_region || policy.said_for_region || nvdimm || !path.empty() ||
                   settings.access != MemoryAccess::kDefault || backing.source == MemoryBackingSource::kFile ||
                   backing.source == MemoryBackingSource::kMemfd || (file && settings.discard && !pages.huge);
  return backend;
}

void AddBackend(const MemoryBackend& backend, CommandLine* out) {
  if (backend.thread_context) out->Object(*backend.thread_context);
  out->Object(backend.object);
}

void AddMemoryPath(const Context& context, CommandLine* out) {
  const MemoryBacking& backing = context.def.memory.backing;
  const PageChoice pages = ChoosePages({}, context);
  if (pages.huge || backing.allocation == MemoryAllocation::kImmediate) out->Option("-mem-prealloc");
  if (pages.huge) out->Option("-mem-path", HugepageDirectory(context, pages.size));
}

void AddMemory(const Context& context, CommandLine* out) {
  const DomainDef& def = context.def;
  const KiB initial = InitialMemory(def);
  if (def.memory.max) {
    out->Option("-m", fmt::format("size={}k,slots={},maxmem={}k", initial, def.memory.slots, def.memory.max));
  } else {
    out->Option("-m", fmt::format("{}", initial / 1024));
  }
  if (!def.numa.cells.empty()) return;
  if (auto* machine = context.caps.FindMachine(def.os.machine); machine && !machine->default_ram_id.empty()) {
    AddBackend(DescribeMemoryBackend(
                   {.alias = std::string(machine->default_ram_id), .size = initial, .is_default_ram = true}, context),
               out);
  } else {
    AddMemoryPath(context, out);
  }
}

}  // namespace bv::qemu
