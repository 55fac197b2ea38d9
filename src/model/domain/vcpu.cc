#include "model/domain/vcpu.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// --- <vcpu>, <vcpus> -------------------------------------------------------------------------------

void ReadVcpuCount(Parser& p, VcpuSettings& v, const xml::Node& element) {
  v.placement = CpuPlacement::kStatic;
  const xml::Node* vcpu = element.Child("vcpu");
  if (!vcpu) return;
  auto count = ParseNumber<std::uint32_t>(vcpu->text);
  if (!count) p.Fail(Fault::kDomainXml, "maximum vcpus count must be an integer");
  v.max = *count;
  unsigned current = 0;
  if (p.Value(*vcpu, "current", current)) v.current = current;
  if (v.current && *v.current > v.max) p.FailBeyondSchema(Fault::kUnsupported, "maximum vCPU count must not be less than current vCPU count");
  p.Value(*vcpu, "placement", v.placement, Fault::kXml, kNonZero);
  auto cpuset = vcpu->Attr("cpuset");
  if (v.placement != CpuPlacement::kAuto && cpuset) {
    v.cpuset = Bitmap::Parse(*cpuset);
    if (!v.cpuset) p.Fail(Fault::kBitmap, "Failed to parse bitmap '" + std::string(*cpuset) + "'");
    if (v.cpuset->empty()) p.Fail(Fault::kUnsupported, "Invalid value of 'cpuset': " + std::string(*cpuset));
  }
}
void WriteVcpuCount(Formatter& f, const VcpuSettings& v) {
  f.out().Open("vcpu");
  f.Attr("placement", v.placement == CpuPlacement::kAuto ? "auto" : "static");
  if (v.cpuset) f.Attr("cpuset", v.cpuset->Format());
  if (v.current && *v.current != v.max) f.Attr("current", *v.current);
  f.out().CloseWithText("vcpu", std::to_string(v.max));
}

void ReadVcpus(Parser& p, VcpuSettings& v, const xml::Node& element) {
  const xml::Node* list = element.Child("vcpus");
  if (!list || !list->Child("vcpu")) return;
  v.vcpus.assign(v.max, Vcpu{YesNo::kNo, YesNo::kAbsent, 0});
  for (const xml::Node* node = list->Child("vcpu"); node; node = node->Next("vcpu")) {
    unsigned id = 0;
    if (!p.Value(*node, "id", id, Fault::kXml, kRequired)) continue;
    if (id >= v.max) p.FailBeyondSchema(Fault::kDomainXml, "vcpu id '" + std::to_string(id) + "' is out of range of maximum vcpu count");
    Vcpu& vcpu = v.vcpus[id];
    p.Value(*node, "enabled", vcpu.enabled, Fault::kXml, kRequired);
    p.Value(*node, "hotpluggable", vcpu.hotpluggable);
    if (vcpu.enabled == YesNo::kYes) p.Value(*node, "order", vcpu.order);
  }
  unsigned enabled = 0;
  for (std::size_t i = 0; i < v.vcpus.size(); ++i) {
    Vcpu& vcpu = v.vcpus[i];
    bool online = vcpu.enabled == YesNo::kYes;
    enabled += online;
    if (vcpu.hotpluggable == YesNo::kAbsent) vcpu.hotpluggable = ToYesNo(!online);
  }
  v.current = enabled;
}
void WriteVcpus(Formatter& f, const VcpuSettings& v) {
  if (v.vcpus.empty()) return;
  f.out().Open("vcpus");
  for (std::size_t i = 0; i < v.vcpus.size(); ++i) {
    const Vcpu& vcpu = v.vcpus[i];
    f.out().Open("vcpu");
    f.Attr("id", i);
    f.Attr("enabled", ToString(vcpu.enabled));
    if (vcpu.hotpluggable != YesNo::kAbsent) f.Attr("hotpluggable", ToString(vcpu.hotpluggable));
    if (vcpu.order) f.Attr("order", vcpu.order);
    f.out().Close("vcpu");
  }
  f.out().Close("vcpus");
}

constexpr RowOf<VcpuSettings> kVcpuRows[] = {
    Custom<&ReadVcpuCount, &WriteVcpuCount>("vcpu(@current @placement @cpuset #)"),
    Custom<&ReadVcpus, &WriteVcpus>("vcpus(vcpu(@id @enabled @hotpluggable @order))"),
};

// --- <iothreads>, <iothreadids> ----------------------------------------------------------------------

constexpr RowOf<IoThreadId> kIdRows[] = {
    Attr<&IoThreadId::id>("id").Required().NonZero(),
    Attr<&IoThreadId::pool_min>("thread_pool_min"),
    Attr<&IoThreadId::pool_max>("thread_pool_max"),
};
constexpr Description<IoThreadId> kIoThreadId{kIdRows};
constexpr RowOf<IoThreads> kIdsRows[] = {Child<&IoThreads::ids>("iothread", kIoThreadId)};
bool ListsIds(const IoThreads& t) {
  return std::any_of(t.ids.begin(), t.ids.end(), [](const IoThreadId& id) { return !id.automatic || id.pool_min || id.pool_max; });
}
constexpr RowOf<DefaultIoThread> kDefaultRows[] = {
    Attr<&DefaultIoThread::pool_min>("thread_pool_min"),
    Attr<&DefaultIoThread::pool_max>("thread_pool_max"),
};
constexpr Description<DefaultIoThread> kDefaultIoThread{kDefaultRows};

void WriteCount(Formatter& f, const IoThreads& t) {
  if (!t.ids.empty()) f.out().TextElement("iothreads", std::to_string(t.ids.size()));
}
void Nothing(Parser&, IoThreads&, const xml::Node&) {}

constexpr RowOf<IoThreads> kIoThreadsRows[] = {
    Custom<&Nothing, &WriteCount>("iothreads"),
    Group("iothreadids", kIdsRows).WhenWriting<&ListsIds>(),
    Child<&IoThreads::default_iothread>("defaultiothread", kDefaultIoThread),
};

// Threads that <iothreads> asks for beyond the listed ones get the smallest free numbers.
void FillIds(Parser& p, IoThreads& t, const xml::Node& element) {
  for (std::size_t i = 0; i < t.ids.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (t.ids[j].id == t.ids[i].id) p.FailBeyondSchema(Fault::kDomainXml, "duplicate iothread id '" + std::to_string(t.ids[i].id) + "' found");
    }
  }
  auto text = element.ChildText("iothreads");
  if (!text) return;
  auto count = ParseNumber<std::uint32_t>(*text);
  if (!count) p.Fail(Fault::kDomainXml, "invalid iothreads count '" + std::string(*text) + "'");
  auto taken = [&](unsigned id) { return std::any_of(t.ids.begin(), t.ids.end(), [&](auto& other) { return other.id == id; }); };
  unsigned next = 1;
  while (t.ids.size() < *count) {
    while (taken(next)) ++next;
    t.ids.push_back({next, {}, {}, true});
  }
}

// --- <cputune> -----------------------------------------------------------------------------------------

constexpr RowOf<SchedParam> kSchedRows[] = {
    Attr<&SchedParam::scheduler>("scheduler").Required().NonZero(),
    Attr<&SchedParam::priority>("priority"),
};
void CheckSched(Parser& p, SchedParam& s, const xml::Node& element) {
  bool real_time = s.scheduler == Scheduler::kFifo || s.scheduler == Scheduler::kRr;
  if (!real_time) s.priority = 0;
  if (real_time && !element.Attr("priority")) p.MissingAttribute(element, "priority");
}
constexpr Description<SchedParam> kSched = Describe<&CheckSched>(kSchedRows);

bool RealTime(const SchedParam& s) { return s.scheduler == Scheduler::kFifo || s.scheduler == Scheduler::kRr; }

void WriteSched(Formatter& f, const SchedParam& s) {
  f.Attr("scheduler", ToString(s.scheduler));
  if (RealTime(s)) f.Attr("priority", s.priority);
}

struct SchedList {
  const char* element;
  const char* attribute;
  std::vector<ThreadSched> CpuTune::*list;
};
constexpr SchedList kVcpuScheds{"vcpusched", "vcpus", &CpuTune::vcpu_scheds};
constexpr SchedList kIoThreadScheds{"iothreadsched", "iothreads", &CpuTune::iothread_scheds};

void ReadScheds(Parser& p, CpuTune& tune, const xml::Node& element, const SchedList& kind) {
  Bitmap all;
  for (const xml::Node* node = element.Child(kind.element); node; node = node->Next(kind.element)) {
    ThreadSched sched;
    auto threads = node->Attr(kind.attribute);
    if (!threads) p.Fail(Fault::kDomainXml, std::string("Missing attribute '") + kind.attribute + "' in element '" + kind.element + "'");
    auto set = Bitmap::Parse(*threads);
    if (!set) p.Fail(Fault::kBitmap, "Failed to parse bitmap '" + std::string(*threads) + "'");
    if (set->empty()) p.Fail(Fault::kXmlDetail, std::string("'") + kind.element + "' attribute '" + kind.attribute + "' is invalid");
    sched.threads = *std::move(set);
    p.Read(kSched, sched.param, *node);
    if (all.Overlaps(sched.threads)) {
      p.FailBeyondSchema(Fault::kXmlDetail, std::string("'") + kind.element + "' attributes '" + kind.attribute + "' must not overlap");
    }
    all |= sched.threads;
    (tune.*kind.list).push_back(std::move(sched));
  }
}

// One element for each thread, in their order.
void WriteScheds(Formatter& f, const CpuTune& tune, const SchedList& kind) {
  std::vector<std::pair<std::size_t, SchedParam>> threads;
  for (const ThreadSched& s : tune.*kind.list) {
    for (auto id = s.threads.Next(); id; id = s.threads.Next(*id + 1)) threads.emplace_back(*id, s.param);
  }
  std::sort(threads.begin(), threads.end(), [](auto& a, auto& b) { return a.first < b.first; });
  for (auto& [id, param] : threads) {
    f.out().Open(kind.element);
    f.Attr(kind.attribute, id);
    WriteSched(f, param);
    f.out().Close(kind.element);
  }
}

template <const SchedList& Kind>
void ReadSchedsOf(Parser& p, CpuTune& tune, const xml::Node& element) {
  ReadScheds(p, tune, element, Kind);
}
template <const SchedList& Kind>
void WriteSchedsOf(Formatter& f, const CpuTune& tune) {
  WriteScheds(f, tune, Kind);
}

void ReadEmulatorSched(Parser& p, CpuTune& tune, const xml::Node& element) {
  if (const xml::Node* node = element.Child("emulatorsched")) p.Read(kSched, tune.emulator_sched.emplace(), *node);
}
void WriteEmulatorSched(Formatter& f, const CpuTune& tune) {
  if (!tune.emulator_sched) return;
  f.out().Open("emulatorsched");
  WriteSched(f, *tune.emulator_sched);
  f.out().Close("emulatorsched");
}

constexpr RowOf<ThreadPin> kVcpuPinRows[] = {
    Attr<&ThreadPin::id>("vcpu").Required().Always(),
    Attr<&ThreadPin::cpus>("cpuset").Required().Fails(Fault::kBitmap).FailsMissing(Fault::kInternal),
};
constexpr Description<ThreadPin> kVcpuPin{kVcpuPinRows};
constexpr RowOf<ThreadPin> kIoThreadPinRows[] = {
    Attr<&ThreadPin::id>("iothread").Required().NonZero(),
    Attr<&ThreadPin::cpus>("cpuset").Required().Fails(Fault::kBitmap).FailsMissing(Fault::kInternal),
};
constexpr Description<ThreadPin> kIoThreadPin{kIoThreadPinRows};
constexpr RowOf<CpuTune> kEmulatorPinRows[] = {Attr<&CpuTune::emulator_pin>("cpuset").Required().Fails(Fault::kBitmap).FailsMissing(Fault::kInternal)};

// A thread has one set of CPUs; pins are kept by thread.
void SortPins(Parser& p, CpuTune& tune, const xml::Node&) {
  for (auto* pins : {&tune.vcpu_pins, &tune.iothread_pins}) {
    std::stable_sort(pins->begin(), pins->end(), [](auto& a, auto& b) { return a.id < b.id; });
    for (std::size_t i = 1; i < pins->size(); ++i) {
      if ((*pins)[i].id != (*pins)[i - 1].id) continue;
      const char* what = pins == &tune.vcpu_pins ? "vcpupin for vcpu '" : "iothreadpin for same iothread '";
      p.Fail(Fault::kInternal, std::string("duplicate ") + what + std::to_string((*pins)[i].id) + "'");
    }
  }
}
void NothingToWrite(Formatter&, const CpuTune&) {}

// Sizes in the largest unit that divides them.
void WritePrettySize(Formatter& f, std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes && bytes % 1024 == 0 && unit + 1 < std::size(kUnits)) bytes /= 1024, ++unit;
  f.Attr("size", bytes);
  f.Attr("unit", kUnits[unit]);
}
using Cache = CacheTune::Cache;
void ReadCacheSize(Parser& p, Cache& c, const xml::Node& element) {
  std::uint64_t size = 0;
  p.Value(element, "size", size, Fault::kXml, kRequired);
  c.size = ScaleToBytes(size, element.AttrOr("unit"), 1024);
}
void WriteCacheSize(Formatter& f, const Cache& c) { WritePrettySize(f, c.size); }
constexpr RowOf<Cache> kCacheRows[] = {
    Attr<&Cache::id>("id").Required().Always(),
    Attr<&Cache::level>("level").Required().Always(),
    Attr<&Cache::type>("type").Required(),
    Custom<&ReadCacheSize, &WriteCacheSize>("@size @unit"),
};
constexpr Description<Cache> kCache{kCacheRows};
constexpr RowOf<CacheTune::Monitor> kCacheMonitorRows[] = {
    Attr<&CacheTune::Monitor::level>("level").Required().Always(),
    Attr<&CacheTune::Monitor::vcpus>("vcpus").Required().Fails(Fault::kDomainXml),
};
constexpr Description<CacheTune::Monitor> kCacheMonitor{kCacheMonitorRows};
constexpr RowOf<CacheTune> kCacheTuneRows[] = {
    Attr<&CacheTune::vcpus>("vcpus").Required().Fails(Fault::kDomainXml),
    Attr<&CacheTune::id>("id").LiveOnly(),
    Child<&CacheTune::caches>("cache", kCache),
    Child<&CacheTune::monitors>("monitor", kCacheMonitor),
};
constexpr Description<CacheTune> kCacheTune{kCacheTuneRows};

constexpr RowOf<MemoryTune::Node> kNodeRows[] = {
    Attr<&MemoryTune::Node::id>("id").Required().Always(),
    Attr<&MemoryTune::Node::bandwidth>("bandwidth").Required().Always(),
};
constexpr Description<MemoryTune::Node> kMemoryNode{kNodeRows};
constexpr RowOf<MemoryTune::Monitor> kMemoryMonitorRows[] = {
    Attr<&MemoryTune::Monitor::vcpus>("vcpus").Required().Fails(Fault::kDomainXml),
};
constexpr Description<MemoryTune::Monitor> kMemoryMonitor{kMemoryMonitorRows};
constexpr RowOf<MemoryTune> kMemoryTuneRows[] = {
    Attr<&MemoryTune::vcpus>("vcpus").Required().Fails(Fault::kDomainXml),
    Attr<&MemoryTune::id>("id").LiveOnly(),
    Child<&MemoryTune::nodes>("node", kMemoryNode),
    Child<&MemoryTune::monitors>("monitor", kMemoryMonitor),
};
constexpr Description<MemoryTune> kMemoryTune{kMemoryTuneRows};

constexpr RowOf<CpuTune> kTuneRows[] = {
    TextChild<&CpuTune::shares>("shares").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::period>("period").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::quota>("quota").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::global_period>("global_period").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::global_quota>("global_quota").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::emulator_period>("emulator_period").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::emulator_quota>("emulator_quota").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::iothread_period>("iothread_period").Fails(Fault::kDomainXml),
    TextChild<&CpuTune::iothread_quota>("iothread_quota").Fails(Fault::kDomainXml),
    Child<&CpuTune::vcpu_pins>("vcpupin", kVcpuPin),
    Group("emulatorpin", kEmulatorPinRows),
    Child<&CpuTune::iothread_pins>("iothreadpin", kIoThreadPin),
    Custom<&SortPins, &NothingToWrite>(""),
    Custom<&ReadEmulatorSched, &WriteEmulatorSched>("emulatorsched"),
    Custom<&ReadSchedsOf<kVcpuScheds>, &WriteSchedsOf<kVcpuScheds>>("vcpusched"),
    Custom<&ReadSchedsOf<kIoThreadScheds>, &WriteSchedsOf<kIoThreadScheds>>("iothreadsched"),
    Child<&CpuTune::cachetunes>("cachetune", kCacheTune),
    Child<&CpuTune::memorytunes>("memorytune", kMemoryTune),
};

constexpr std::uint64_t kMinPeriod = 1000, kMaxPeriod = 1000000;
constexpr std::int64_t kMinQuota = 1000, kMaxQuota = 17592186044415;

void CheckRanges(Parser& p, const CpuTune& t) {
  for (std::uint64_t period : {t.period, t.global_period, t.emulator_period, t.iothread_period}) {
    if (period && (period < kMinPeriod || period > kMaxPeriod)) {
      p.Fail(Fault::kUnsupported, "Value of cputune 'period' must be in range [1000, 1000000]");
    }
  }
  for (std::int64_t quota : {t.quota, t.global_quota, t.emulator_quota, t.iothread_quota}) {
    if (quota > 0 && (quota < kMinQuota || quota > kMaxQuota)) {
      p.Fail(Fault::kUnsupported, "Value of cputune 'quota' must be in range [1000, 17592186044415]");
    }
  }
}

template <typename T>
void CheckAllocations(Parser& p, const std::vector<T>& tunes, const char* what) {
  for (std::size_t i = 0; i < tunes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (tunes[i].vcpus == tunes[j].vcpus) p.FailBeyondSchema(Fault::kDomainXml, std::string("Identical vcpus in ") + what + " found");
      if (tunes[i].vcpus.Overlaps(tunes[j].vcpus)) p.FailBeyondSchema(Fault::kDomainXml, std::string("Overlapping vcpus in ") + what);
    }
    for (const auto& monitor : tunes[i].monitors) {
      Bitmap outside = monitor.vcpus;
      outside &= tunes[i].vcpus;
      if (!(outside == monitor.vcpus)) p.FailBeyondSchema(Fault::kInvalidArg, "Monitor vcpus conflicts with allocation");
    }
    for (std::size_t a = 0; a < tunes[i].monitors.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        auto& one = tunes[i].monitors[a].vcpus;
        auto& other = tunes[i].monitors[b].vcpus;
        if (one.Overlaps(other) && !(one == tunes[i].vcpus) && !(other == tunes[i].vcpus)) {
          p.FailBeyondSchema(Fault::kInvalidArg, "Monitor vcpus conflicts with monitors");
        }
      }
    }
  }
}

void CheckTune(Parser& p, CpuTune& tune, const xml::Node&) {
  CheckRanges(p, tune);
  for (CacheTune& t : tune.cachetunes) {
    std::stable_sort(t.caches.begin(), t.caches.end(), [](auto& a, auto& b) {
      return std::tuple(a.level, a.type, a.id) < std::tuple(b.level, b.type, b.id);
    });
    for (std::size_t i = 0; i < t.caches.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const auto &a = t.caches[i], &b = t.caches[j];
        if (a.level == b.level && a.id == b.id && (a.type == b.type || a.type == CacheType::kBoth || b.type == CacheType::kBoth)) {
          throw Error(ErrorDomain::kResctrl, ErrorCode::kXmlError, "Colliding cache allocations for cache level '" + std::to_string(a.level) + "' id '" + std::to_string(a.id) + "'");
        }
      }
    }
  }
  CheckAllocations(p, tune.cachetunes, "cachetunes");
  for (MemoryTune& t : tune.memorytunes) {
    std::stable_sort(t.nodes.begin(), t.nodes.end(), [](auto& a, auto& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < t.nodes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (t.nodes[i].id == t.nodes[j].id) {
          throw Error(ErrorDomain::kResctrl, ErrorCode::kXmlError, "Memory Bandwidth already defined for node " + std::to_string(t.nodes[i].id));
        }
      }
    }
  }
  CheckAllocations(p, tune.memorytunes, "memorytunes");
}

}  // namespace

constinit const Description<VcpuSettings> kVcpuSettings{kVcpuRows};
constinit const Description<IoThreads> kIoThreads = Describe<&FillIds>(kIoThreadsRows);
constinit const Description<CpuTune> kCpuTune = Describe<&CheckTune>(kTuneRows);

}  // namespace bv::model
