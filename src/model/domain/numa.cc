#include "model/domain/numa.h"

#include <algorithm>

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

constexpr SizeSpec kLineBytes{1, 1, "B"};

using Cache = NumaCache;
void ReadCacheSize(Parser& p, Cache& c, const xml::Node& element) {
  auto part = [&](const char* name, const SizeSpec& spec) -> std::uint64_t {
    const xml::Node* child = element.Child(name);
    std::uint64_t value = 0;
    if (!child || !p.Value(*child, "value", value, Fault::kXml, kEmptyIsAbsent)) {
      p.Fail(Fault::kXml, std::string("missing element or attribute './") + name + "/@value'");
    }
    // Units that do not exist are overlooked here, as libvirt does.
    std::string_view unit = child->AttrOr("unit");
    std::uint64_t bytes = IsSizeUnit(unit) ? ScaleToBytes(value, unit, spec.scale) : value * spec.scale;
    return (bytes + spec.scale - 1) / spec.scale;
  };
  c.size_kib = part("size", kKiB);
  c.line_bytes = part("line", kLineBytes);
}
void WriteCacheSize(Formatter& f, const Cache& c) {
  f.out().Open("size");
  f.Attr("value", c.size_kib);
  f.Attr("unit", "KiB");
  f.out().Close("size");
  f.out().Open("line");
  f.Attr("value", c.line_bytes);
  f.Attr("unit", "B");
  f.out().Close("line");
}
constexpr RowOf<Cache> kCacheRows[] = {
    Attr<&Cache::level>("level").Required().NonZero().Fails(Fault::kDomainXml),
    Attr<&Cache::associativity>("associativity").Required().SkipZero().Fails(Fault::kDomainXml),
    Attr<&Cache::policy>("policy").Required().SkipZero().Fails(Fault::kDomainXml),
    Custom<&ReadCacheSize, &WriteCacheSize>("size line"),
};
constexpr unsigned kMostCacheLevels = 3;
void CheckCache(Parser& p, Cache& c, const xml::Node&) {
  if (c.level > kMostCacheLevels) p.FailBeyondSchema(Fault::kDomainXml, "Ain't nobody heard of that much cache level");
}
constexpr Description<Cache> kCache = Describe<&CheckCache>(kCacheRows);

constexpr RowOf<NumaDistance> kDistanceRows[] = {
    Attr<&NumaDistance::id>("id").Required().Always(),
    Attr<&NumaDistance::value>("value").Required().Always(),
};
constexpr Description<NumaDistance> kDistance{kDistanceRows};
constexpr RowOf<NumaCell> kDistancesRows[] = {Child<&NumaCell::distances>("sibling", kDistance)};

constexpr RowOf<NumaCell> kCellRows[] = {
    Attr<&NumaCell::id>("id").Always(),
    Attr<&NumaCell::cpus>("cpus").Fails(Fault::kBitmap),
    SizeAttr<&NumaCell::memory>("memory", kKiB).Required().Always(),
    Attr<&NumaCell::mem_access>("memAccess"),
    Attr<&NumaCell::discard>("discard"),
    Group("distances", kDistancesRows),
    Child<&NumaCell::caches>("cache", kCache),
};
void CheckCell(Parser& p, NumaCell& cell, const xml::Node&) {
  for (std::size_t i = 0; i < cell.caches.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (cell.caches[i].level == cell.caches[j].level) p.Fail(Fault::kDomainXml, "Cache level '" + std::to_string(cell.caches[i].level) + "' already defined");
    }
  }
}
constexpr Description<NumaCell> kCell = Describe<&CheckCell>(kCellRows);

// Cells may say their ids, in any order; those that do not are numbered by place.
void PlaceCells(Parser& p, std::vector<NumaCell>& cells, const xml::Node& element) {
  std::vector<NumaCell> placed(cells.size());
  std::vector<bool> used(cells.size());
  std::size_t at = 0;
  for (const xml::Node* node = element.Child("cell"); node; node = node->Next("cell"), ++at) {
    std::size_t id = node->Attr("id") ? cells[at].id : at;
    if (id >= cells.size()) p.Fail(Fault::kDomainXml, "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed");
    if (used[id]) p.Fail(Fault::kDomainXml, "Duplicate NUMA cell info for cell id '" + std::to_string(id) + "'");
    used[id] = true;
    placed[id] = std::move(cells[at]);
    placed[id].id = static_cast<unsigned>(id);
  }
  cells = std::move(placed);
}

constexpr unsigned kLocalDistance = 10, kRemoteDistance = 20, kUnreachable = 255;

// Distances are a matrix: what one side says holds for the other unless it says otherwise.
void CompleteDistances(Parser& p, std::vector<NumaCell>& cells) {
  std::size_t n = cells.size();
  std::vector<unsigned> matrix(n * n, 0);
  bool any = false;
  for (std::size_t i = 0; i < n; ++i) {
    for (const NumaDistance& d : cells[i].distances) {
      any = true;
      if (d.id >= n) p.Fail(Fault::kDomainXml, "'sibling_id " + std::to_string(d.id) + "' does not refer to a valid cell within NUMA 'cell id " + std::to_string(i) + "'");
      if (d.value < kLocalDistance || d.value > kUnreachable || (d.id == i && d.value != kLocalDistance) || (d.id != i && d.value == kLocalDistance)) {
        p.Fail(Fault::kDomainXml, "'value " + std::to_string(d.value) + "' is invalid for 'sibling id " + std::to_string(d.id) + "' under NUMA 'cell id " + std::to_string(i) + "'");
      }
      matrix[i * n + d.id] = d.value;
    }
  }
  if (!any) return;
  for (std::size_t i = 0; i < n; ++i) {
    if (cells[i].distances.empty()) {
      bool named = false;
      for (std::size_t j = 0; j < n; ++j) named = named || (i != j && matrix[j * n + i]);
      if (!named) continue;
    }
    std::vector<NumaDistance> all;
    for (std::size_t j = 0; j < n; ++j) {
      unsigned value = matrix[i * n + j];
      if (!value) value = matrix[j * n + i];
      if (!value) value = i == j ? kLocalDistance : kRemoteDistance;
      all.push_back({static_cast<unsigned>(j), value});
    }
    cells[i].distances = std::move(all);
  }
}

// Latencies and bandwidths are one list whose order is the document's.
void ReadInterconnects(Parser& p, Numa& numa, const xml::Node& element) {
  const xml::Node* list = element.Child("interconnects");
  if (!list) return;
  for (const xml::Node* node = list->first_child; node; node = node->next) {
    bool latency = node->Is("latency");
    if (!latency && !node->Is("bandwidth")) continue;
    NumaInterconnect c;
    c.kind = latency ? InterconnectKind::kLatency : InterconnectKind::kBandwidth;
    p.Value(*node, "initiator", c.initiator, Fault::kXml, kRequired);
    p.Value(*node, "target", c.target, Fault::kXml, kRequired);
    p.Value(*node, "cache", c.cache);
    p.Value(*node, "type", c.access, Fault::kXml, kRequired | kNonZero);
    p.Value(*node, "value", c.value, Fault::kXml, kRequired);
    if (!latency) c.value = (ScaleToBytes(c.value, node->AttrOr("unit"), 1024) + 1023) / 1024;
    if (c.initiator >= numa.cells.size() || c.target >= numa.cells.size()) {
      p.Fail(Fault::kDomainXml, "'initiator' or 'target' refers to a non-existent NUMA node");
    }
    const NumaCell& initiator = numa.cells[c.initiator];
    if (!initiator.cpus || initiator.cpus->empty()) p.Fail(Fault::kDomainXml, "NUMA nodes without CPUs can't be initiator");
    auto& caches = numa.cells[c.target].caches;
    if (c.cache && std::none_of(caches.begin(), caches.end(), [&](auto& cache) { return cache.level == c.cache; })) {
      p.Fail(Fault::kDomainXml, "'cache' refers to a non-existent NUMA node cache");
    }
    bool known = std::any_of(numa.interconnects.begin(), numa.interconnects.end(), [&](const NumaInterconnect& other) {
      return other.kind == c.kind && other.initiator == c.initiator && other.target == c.target && other.cache == c.cache && other.access == c.access;
    });
    if (known) p.Fail(Fault::kDomainXml, std::string("NUMA interconnect of a ") + (latency ? "latency" : "bandwidth") + " that was told before");
    numa.interconnects.push_back(c);
  }
}
void WriteInterconnects(Formatter& f, const Numa& numa) {
  if (numa.interconnects.empty()) return;
  f.out().Open("interconnects");
  for (const NumaInterconnect& c : numa.interconnects) {
    bool latency = c.kind == InterconnectKind::kLatency;
    const char* name = latency ? "latency" : "bandwidth";
    f.out().Open(name);
    f.Attr("initiator", c.initiator);
    f.Attr("target", c.target);
    if (c.cache) f.Attr("cache", c.cache);
    f.Attr("type", ToString(c.access));
    f.Attr("value", c.value);
    if (!latency) f.Attr("unit", "KiB");
    f.out().Close(name);
  }
  f.out().Close("interconnects");
}

void CheckCells(Parser& p, Numa& numa, const xml::Node& element) {
  PlaceCells(p, numa.cells, element);
  Bitmap all;
  for (const NumaCell& cell : numa.cells) {
    if (!cell.cpus) continue;
    if (all.Overlaps(*cell.cpus)) p.Fail(Fault::kUnsupported, "NUMA cells have overlapping vCPU ids");
    all |= *cell.cpus;
  }
  CompleteDistances(p, numa.cells);
  ReadInterconnects(p, numa, element);
}

void Nothing(Parser&, Numa&, const xml::Node&) {}

constexpr RowOf<Numa> kRows[] = {
    Child<&Numa::cells>("cell", kCell),
    Custom<&Nothing, &WriteInterconnects>("interconnects"),
};

// --- <numatune> ----------------------------------------------------------------------------------

void ReadNodeset(Parser& p, NumaTuneMemory& m, const xml::Node& element) {
  if (auto text = element.Attr("nodeset")) {
    auto set = Bitmap::Parse(*text);
    if (!set) p.Fail(Fault::kBitmap, "Failed to parse bitmap '" + std::string(*text) + "'");
    if (set->empty()) p.FailBeyondSchema(Fault::kUnsupported, "Invalid value of 'nodeset': " + std::string(*text));
    m.nodeset = std::move(set);
  }
  if (m.placement == NumaPlacement::kDefault) m.placement = m.nodeset ? NumaPlacement::kStatic : NumaPlacement::kDefault;
  if (m.placement == NumaPlacement::kStatic && !m.nodeset) {
    p.FailBeyondSchema(Fault::kUnsupported, "nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
  }
  if (m.placement == NumaPlacement::kAuto) m.nodeset.reset();
}
void WriteNodeset(Formatter& f, const NumaTuneMemory& m) {
  if (m.placement == NumaPlacement::kAuto) f.Attr("placement", "auto");
  else if (m.nodeset) f.Attr("nodeset", m.nodeset->Format());
}
constexpr RowOf<NumaTuneMemory> kTuneMemoryRows[] = {
    Attr<&NumaTuneMemory::mode>("mode").Fails(Fault::kUnsupported),
    Attr<&NumaTuneMemory::placement>("placement").NonZero().Fails(Fault::kUnsupported).With(kParseOnly),
    Custom<&ReadNodeset, &WriteNodeset>("@nodeset"),
};
constexpr Description<NumaTuneMemory> kTuneMemory{kTuneMemoryRows};

constexpr RowOf<NumaTuneNode> kTuneNodeRows[] = {
    Attr<&NumaTuneNode::cell_id>("cellid").Required().Always(),
    Attr<&NumaTuneNode::mode>("mode"),
    Attr<&NumaTuneNode::nodeset>("nodeset").Required().Fails(Fault::kBitmap).FailsMissing(Fault::kDomainXml),
};
constexpr Description<NumaTuneNode> kTuneNode{kTuneNodeRows};

constexpr RowOf<NumaTune> kTuneRows[] = {
    Child<&NumaTune::memory>("memory", kTuneMemory),
    Child<&NumaTune::nodes>("memnode", kTuneNode),
};

void CheckTune(Parser& p, NumaTune& tune, const xml::Node& element) {
  if (const xml::Node* memory = element.Child("memory"); memory && !memory->attributes) tune.memory.reset();
  if (!tune.nodes.empty() && tune.memory && tune.memory->placement == NumaPlacement::kAuto) {
    p.FailBeyondSchema(Fault::kUnsupported, "Per-node binding is not compatible with automatic NUMA placement.");
  }
  std::stable_sort(tune.nodes.begin(), tune.nodes.end(), [](auto& a, auto& b) { return a.cell_id < b.cell_id; });
  for (std::size_t i = 0; i < tune.nodes.size(); ++i) {
    const NumaTuneNode& node = tune.nodes[i];
    if (i > 0 && tune.nodes[i - 1].cell_id == node.cell_id) {
      p.Fail(Fault::kDomainXml, "Multiple memnode elements with cellid " + std::to_string(node.cell_id));
    }
    if (tune.memory && tune.memory->mode == NumaMode::kRestrictive && node.mode != NumaMode::kRestrictive) {
      p.FailBeyondSchema(Fault::kDomainXml, "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element");
    }
  }
}

}  // namespace

constinit const Description<Numa> kNuma = Describe<&CheckCells>(kRows);
constinit const Description<NumaTune> kNumaTune = Describe<&CheckTune>(kTuneRows);

}  // namespace bv::model
