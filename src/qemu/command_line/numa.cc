#include "qemu/command_line/numa.h"

#include <algorithm>

#include "qemu/command_line/memory.h"

namespace bv::qemu {

using namespace model;

namespace {

// vCPUs that are there from the start; hot-pluggable ones are plugged by the start procedure.
unsigned InitialVcpus(const VcpuSettings& settings) {
  if (settings.vcpus.empty()) return settings.current.value_or(settings.max);
  return static_cast<unsigned>(std::ranges::count_if(settings.vcpus, [](const Vcpu& vcpu) {
    return vcpu.enabled == YesNo::kYes && vcpu.hotpluggable != YesNo::kYes;
  }));
}

// libvirt gives one "cpus=" to each range.
void AddCpuRanges(OptionString* node, const Bitmap& cpus) {
  std::string list = cpus.Format();
  std::size_t start = 0;
  while (start < list.size()) {
    auto comma = std::min(list.find(',', start), list.size());
    node->Add("cpus", list.substr(start, comma - start));
    start = comma + 1;
  }
}

// The cell from which `cell` is reached best: itself when it has CPUs, else the one with the widest
// path to it, else the first with CPUs.
unsigned Initiator(const Numa& numa, const NumaCell& cell) {
  if (cell.cpus) return cell.id;
  std::optional<unsigned> best;
  std::uint64_t width = 0;
  for (auto& link : numa.interconnects) {
    if (link.kind != InterconnectKind::kBandwidth || link.target != cell.id || link.cache != 0) continue;
    if (link.value > width) {
      width = link.value;
      best = link.initiator;
    }
  }
  if (best) return *best;
  auto first = std::ranges::find_if(numa.cells, [](const NumaCell& other) { return other.cpus.has_value(); });
  return first == numa.cells.end() ? 0 : first->id;
}

void AddDistances(const Numa& numa, CommandLine* out) {
  if (std::ranges::all_of(numa.cells, [](const NumaCell& cell) { return cell.distances.empty(); })) return;
  constexpr unsigned kLocal = 10, kRemote = 20;
  auto given = [&](unsigned from, unsigned to) -> unsigned {
    for (auto& distance : numa.cells[from].distances) {
      if (distance.id == to) return distance.value;
    }
    return 0;
  };
  for (auto& from : numa.cells) {
    for (auto& to : numa.cells) {
      unsigned value = given(from.id, to.id);
      if (!value) value = given(to.id, from.id);
      if (!value) value = from.id == to.id ? kLocal : kRemote;
      out->Option("-numa", fmt::format("dist,src={},dst={},val={}", from.id, to.id, value));
    }
  }
}

void AddHmat(const Numa& numa, CommandLine* out) {
  constexpr const char* kHierarchy[] = {"memory", "first-level", "second-level", "third-level"};
  constexpr const char* kAssociativity[] = {"none", "direct", "complex"};
  constexpr const char* kPolicy[] = {"none", "write-back", "write-through"};
  for (auto& link : numa.interconnects) {
    bool latency = link.kind == InterconnectKind::kLatency;
    OptionString option("hmat-lb");
    option.Add("initiator", link.initiator).Add("target", link.target);
    option.Add("hierarchy", kHierarchy[std::min(link.cache, 3u)]);
    option.Add("data-type", fmt::format("{}-{}", ToString(link.access), latency ? "latency" : "bandwidth"));
    if (latency) option.Add("latency", link.value);
    else option.Add("bandwidth", fmt::format("{}K", link.value));
    out->Option("-numa", option);
  }
  for (auto& cell : numa.cells) {
    for (auto& cache : cell.caches) {
      OptionString option("hmat-cache");
      option.Add("node-id", cell.id).Add("size", fmt::format("{}K", cache.size_kib)).Add("level", cache.level);
      option.Add("associativity", kAssociativity[static_cast<int>(cache.associativity)]);
      option.Add("policy", kPolicy[static_cast<int>(cache.policy)]).Add("line", cache.line_bytes);
      out->Option("-numa", option);
    }
  }
}

}  // namespace

bool HasHmat(const DomainDef& def) {
  return !def.numa.interconnects.empty() ||
         std::ranges::any_of(def.numa.cells, [](const NumaCell& cell) { return !cell.caches.empty(); });
}

void AddSmp(const Context& context, CommandLine* out) {
  const VcpuSettings& settings = context.def.vcpu;
  unsigned initial = InitialVcpus(settings);
  OptionString smp(std::to_string(initial));
  if (initial != settings.max) smp.Add("maxcpus", settings.max);
  if (context.def.cpu && context.def.cpu->topology) {
    auto& topology = *context.def.cpu->topology;
    smp.Add("sockets", topology.sockets);
    if (context.Has(QemuCap::kSmpDies)) smp.Add("dies", topology.dies);
    smp.Add("cores", topology.cores).Add("threads", topology.threads);
  } else {
    smp.Add("sockets", settings.max).Add("cores", 1).Add("threads", 1);
  }
  out->Option("-smp", smp);
}

void AddIoThreads(const Context& context, CommandLine* out) {
  for (auto& thread : context.def.iothreads.ids) {
    out->Object(Props::Object("iothread", fmt::format("iothread{}", thread.id))
                    .Add("thread-pool-min", thread.pool_min)
                    .Add("thread-pool-max", thread.pool_max));
  }
  if (auto& main = context.def.iothreads.default_iothread) {
    out->Object(Props::Object("main-loop", "main-loop")
                    .Add("thread-pool-min", main->pool_min)
                    .Add("thread-pool-max", main->pool_max));
  }
}

void AddNuma(const Context& context, CommandLine* out) {
  const Numa& numa = context.def.numa;
  if (numa.cells.empty()) return;
  const bool hmat = HasHmat(context.def);
  auto& tune = context.def.numatune;
  if (tune.memory && tune.memory->nodeset) CheckNodesExist(*tune.memory->nodeset, context);
  for (auto& node : tune.nodes) CheckNodesExist(node.nodeset, context);

  std::vector<MemoryBackend> backends;
  for (auto& cell : numa.cells) {
    backends.push_back(DescribeMemoryBackend(
        {.alias = fmt::format("ram-node{}", cell.id), .size = cell.memory, .cell = cell.id}, context));
  }
  // Old machine types let QEMU carve the cells out of one block; their guests' ABI depends on it.
  auto* machine = context.caps.FindMachine(context.def.os.machine);
  const bool use_backends = hmat || !machine || !machine->numa_mem_supported ||
                            std::ranges::any_of(backends, &MemoryBackend::needed);
  if (!use_backends) AddMemoryPath(context, out);

  for (std::size_t i = 0; i < numa.cells.size(); ++i) {
    auto& cell = numa.cells[i];
    if (use_backends) AddBackend(backends[i], out);
    OptionString node("node");
    node.Add("nodeid", cell.id);
    if (cell.cpus) AddCpuRanges(&node, *cell.cpus);
    if (hmat) node.Add("initiator", Initiator(numa, cell));
    if (use_backends) node.Add("memdev", fmt::format("ram-node{}", cell.id));
    else node.Add("mem", cell.memory / 1024);
    out->Option("-numa", node);
  }
  AddDistances(numa, out);
  if (hmat) AddHmat(numa, out);
}

}  // namespace bv::qemu
