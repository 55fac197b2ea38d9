// Scheduler, memory, block I/O and NUMA parameters: typed parameters of the API, elements of the
// definition, files of the control groups.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.h"
#include "qemu/driver.h"
#include "qemu/guest_limits.h"

namespace bv::qemu {
namespace {

[[noreturn]] void BadValue(const std::string& what, ErrorDomain domain = ErrorDomain::kQemu) {
  throw Error(domain, ErrorCode::kInvalidArg, what);
}

template <typename T>
T ParamValue(const TypedParam& param) {
  if (auto* value = std::get_if<T>(&param.value)) return *value;
  BadValue(fmt::format("invalid type for parameter '{}'", param.field));
}

[[noreturn]] void UnknownParam(const TypedParam& param) {
  throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, fmt::format("parameter '{}' not supported", param.field));
}

// A client first asks with no room for how many there are.
template <typename Ret>
void Limit(Ret& ret, int room) {
  if (static_cast<int>(ret.params.size()) > room) ret.params.resize(static_cast<std::size_t>(room));
}
template <typename Ret>
void Answer(Ret& ret, int room) {
  if (room == 0) {
    ret.nparams = static_cast<int>(ret.params.size());
    ret.params.clear();
  } else {
    Limit(ret, room);
  }
}

// --- CPU time: one row for each kind of thread ----------------------------------------------------

struct CpuGroup {
  const char* name;    // parameters NAME_period and NAME_quota
  const char* group;   // the control group of its threads
  std::uint64_t model::CpuTune::*period;
  std::int64_t model::CpuTune::*quota;
};
constexpr CpuGroup kCpuGroups[] = {
    {"vcpu", "vcpu0", &model::CpuTune::period, &model::CpuTune::quota},
    {"emulator", "emulator", &model::CpuTune::emulator_period, &model::CpuTune::emulator_quota},
    {"global", "", &model::CpuTune::global_period, &model::CpuTune::global_quota},
    {"iothread", "iothread1", &model::CpuTune::iothread_period, &model::CpuTune::iothread_quota},
};
constexpr std::uint64_t kMinPeriod = 1000, kMaxPeriod = 1000000;
// What the kernel can hold when it counts in nanoseconds.
constexpr std::int64_t kMinQuota = 1000, kMaxQuota = 17592186044415;
constexpr std::uint64_t kDefaultPeriod = 100000;

template <typename T>
std::optional<T> ReadNumber(const Cgroup& cgroup, const char* controller, const char* file, const char* group) {
  auto text = cgroup.Read(controller, file, group);
  T value{};
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

void AddConfigScheduler(const model::CpuTune& tune, std::vector<TypedParam>& params) {
  params.push_back({"cpu_shares", tune.shares.value_or(0)});
  for (auto& row : kCpuGroups) {
    params.push_back({fmt::format("{}_period", row.name), tune.*row.period});
    params.push_back({fmt::format("{}_quota", row.name), tune.*row.quota});
  }
}

void AddLiveScheduler(const Cgroup& cgroup, std::vector<TypedParam>& params) {
  params.push_back({"cpu_shares", ReadNumber<std::uint64_t>(cgroup, "cpu", "cpu.shares", "").value_or(1024)});
  for (auto& row : kCpuGroups) {
    auto period = ReadNumber<std::uint64_t>(cgroup, "cpu", "cpu.cfs_period_us", row.group).value_or(kDefaultPeriod);
    auto quota = ReadNumber<std::int64_t>(cgroup, "cpu", "cpu.cfs_quota_us", row.group).value_or(-1);
    params.push_back({fmt::format("{}_period", row.name), period});
    params.push_back({fmt::format("{}_quota", row.name), quota});
  }
}

void WriteLivePeriod(Guest& guest, const model::DomainDef& def, const CpuGroup& row, const char* file,
                     const std::string& value) {
  if (row.name == std::string_view("vcpu")) {
    for (auto& vcpu : guest.vcpus) guest.cgroup.Write("cpu", file, value, fmt::format("vcpu{}", vcpu.id));
  } else if (row.name == std::string_view("iothread")) {
    for (auto& thread : def.iothreads.ids) guest.cgroup.Write("cpu", file, value, fmt::format("iothread{}", thread.id));
  } else {
    guest.cgroup.Write("cpu", file, value, row.group);
  }
}

// One parameter into the definition and the running guest.
void SetSchedulerParam(const TypedParam& param, model::DomainDef* live, model::DomainDef* config, Guest* guest) {
  auto both = [&](auto set) {
    for (auto* def : {live, config}) {
      if (def) set(def->cputune);
    }
  };
  if (param.field == "cpu_shares") {
    auto shares = ParamValue<std::uint64_t>(param);
    constexpr std::uint64_t kFewest = 2, kMost = 262144;  // the kernel's
    if (live && (shares < kFewest || shares > kMost))
      BadValue(fmt::format("shares '{}' must be in range [{}, {}]", shares, kFewest, kMost), ErrorDomain::kCgroup);
    if (live) guest->cgroup.Write("cpu", "cpu.shares", std::to_string(shares));
    both([&](model::CpuTune& tune) { tune.shares = shares; });
    return;
  }
  for (auto& row : kCpuGroups) {
    if (param.field == fmt::format("{}_period", row.name)) {
      auto period = ParamValue<std::uint64_t>(param);
      if (period && (period < kMinPeriod || period > kMaxPeriod))
        BadValue(fmt::format("value of '{}' is out of range [{}, {}]", param.field, kMinPeriod, kMaxPeriod));
      if (live && period) WriteLivePeriod(*guest, *live, row, "cpu.cfs_period_us", std::to_string(period));
      both([&](model::CpuTune& tune) { tune.*row.period = period; });
      return;
    }
    if (param.field == fmt::format("{}_quota", row.name)) {
      auto quota = ParamValue<std::int64_t>(param);
      if (quota > 0 && (quota < kMinQuota || quota > kMaxQuota))
        BadValue(fmt::format("value of '{}' is out of range [{}, {}]", param.field, kMinQuota, kMaxQuota));
      if (live && quota) WriteLivePeriod(*guest, *live, row, "cpu.cfs_quota_us", std::to_string(quota));
      both([&](model::CpuTune& tune) { tune.*row.quota = quota; });
      return;
    }
  }
  UnknownParam(param);
}

constexpr std::uint64_t kUnlimited = 9007199254740991;  // VIR_DOMAIN_MEMORY_PARAM_UNLIMITED

}  // namespace

// --- scheduler -----------------------------------------------------------------------------------

Task<remote::DomainGetSchedulerTypeRet> QemuDriver::DomainGetSchedulerType(Call&, remote::DomainGetSchedulerTypeArgs args) {
  auto domain = Find(args.dom);
  if (!config_->privileged)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "CPU tuning is not available in session mode");
  constexpr int kParams = 1 + 2 * static_cast<int>(std::size(kCpuGroups));
  // A running guest without a cpu group has nothing to tune.
  bool none = domain->active() && !domain->guest->cgroup.Has("cpu") && !domain->guest->cgroup.unified();
  co_return remote::DomainGetSchedulerTypeRet{"posix", none ? 0 : kParams};
}

Task<remote::DomainGetSchedulerParametersRet> QemuDriver::DomainGetSchedulerParameters(Call& call, remote::DomainGetSchedulerParametersArgs args) {
  remote::DomainGetSchedulerParametersFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.nparams = args.nparams;
  auto answer = co_await DomainGetSchedulerParametersFlags(call, with_flags);
  remote::DomainGetSchedulerParametersRet ret;
  ret.params = std::move(answer.params);
  co_return ret;
}

Task<remote::DomainGetSchedulerParametersFlagsRet> QemuDriver::DomainGetSchedulerParametersFlags(Call&, remote::DomainGetSchedulerParametersFlagsArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetSchedulerParametersFlags");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  remote::DomainGetSchedulerParametersFlagsRet ret;
  if (domain->active() && &def != domain->config()) {
    AddLiveScheduler(domain->guest->cgroup, ret.params);
  } else {
    AddConfigScheduler(def.cputune, ret.params);
  }
  Limit(ret, args.nparams);
  co_return ret;
}

Task<> QemuDriver::DomainSetSchedulerParameters(Call& call, remote::DomainSetSchedulerParametersArgs args) {
  remote::DomainSetSchedulerParametersFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.params = std::move(args.params);
  co_await DomainSetSchedulerParametersFlags(call, std::move(with_flags));
}

Task<> QemuDriver::DomainSetSchedulerParametersFlags(Call&, remote::DomainSetSchedulerParametersFlagsArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetSchedulerParametersFlags");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetSchedulerParametersFlags");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  std::vector<TypedParam> changed;
  for (auto& param : args.params) {
    SetSchedulerParam(param, defs.live, defs.config, domain->guest.get());
    if (impact.live) changed.push_back({"cputune." + param.field, param.value});
  }
  co_await SaveChanged(domain, impact);
  if (!changed.empty()) events_.SendTunable(domain->Ref(), std::move(changed));
}

// --- memory --------------------------------------------------------------------------------------

Task<remote::DomainGetMemoryParametersRet> QemuDriver::DomainGetMemoryParameters(Call&, remote::DomainGetMemoryParametersArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetMemoryParameters");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  auto& tune = def.memory.tune;
  remote::DomainGetMemoryParametersRet ret;
  bool live = domain->active() && &def != domain->config();
  auto limit = [&](const char* file, const std::optional<model::KiB>& configured) {
    if (!live) return std::min<std::uint64_t>(configured.value_or(kUnlimited), kUnlimited);
    auto bytes = ReadNumber<std::uint64_t>(domain->guest->cgroup, "memory", file, "");
    return bytes ? std::min(*bytes / 1024, kUnlimited) : kUnlimited;
  };
  ret.params.push_back({"hard_limit", limit("memory.limit_in_bytes", tune.hard_limit)});
  ret.params.push_back({"soft_limit", limit("memory.soft_limit_in_bytes", tune.soft_limit)});
  ret.params.push_back({"swap_hard_limit", limit("memory.memsw.limit_in_bytes", tune.swap_hard_limit)});
  // The kernel's "no limit" is the largest page-aligned number.
  constexpr std::uint64_t kKernelUnlimited = (std::numeric_limits<std::int64_t>::max() & ~4095ll) / 1024;
  for (auto& param : ret.params) {
    if (std::get<std::uint64_t>(param.value) >= kKernelUnlimited) param.value = kUnlimited;
  }
  Answer(ret, args.nparams);
  co_return ret;
}

Task<> QemuDriver::DomainSetMemoryParameters(Call&, remote::DomainSetMemoryParametersArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetMemoryParameters");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetMemoryParameters");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  struct Row {
    const char* name;
    const char* file;
    std::optional<model::KiB> model::MemTune::*field;
  };
  static constexpr Row kRows[] = {
      {"swap_hard_limit", "memory.memsw.limit_in_bytes", &model::MemTune::swap_hard_limit},
      {"hard_limit", "memory.limit_in_bytes", &model::MemTune::hard_limit},
      {"soft_limit", "memory.soft_limit_in_bytes", &model::MemTune::soft_limit},
  };
  auto next = (defs.config ? defs.config : defs.live)->memory.tune;
  for (auto& param : args.params) {
    auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return param.field == r.name; });
    if (row == std::end(kRows)) UnknownParam(param);
    auto value = ParamValue<std::uint64_t>(param);
    next.*(row->field) = value >= kUnlimited ? std::nullopt : std::optional<model::KiB>(value);
  }
  if (next.hard_limit.value_or(kUnlimited) > next.swap_hard_limit.value_or(kUnlimited))
    BadValue("memory hard_limit tunable value must be lower than or equal to swap_hard_limit", ErrorDomain::kDomain);
  if (defs.live) {
    for (auto& row : kRows) {
      auto& value = next.*row.field;
      if (value == defs.live->memory.tune.*row.field) continue;
      domain->guest->cgroup.Write("memory", row.file, value ? std::to_string(*value * 1024) : "-1");
    }
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) def->memory.tune = next;
  }
  co_await SaveChanged(domain, impact);
}

// --- block I/O -----------------------------------------------------------------------------------

namespace {

struct DeviceRow {
  const char* name;
  std::uint64_t (*get)(const model::BlkioDevice&);
  void (*set)(model::BlkioDevice&, std::uint64_t);
};
constexpr DeviceRow kDeviceRows[] = {
    {"device_weight", [](const model::BlkioDevice& d) -> std::uint64_t { return d.weight; },
     [](model::BlkioDevice& d, std::uint64_t v) { d.weight = static_cast<unsigned>(v); }},
    {"device_read_iops_sec", [](const model::BlkioDevice& d) -> std::uint64_t { return d.read_iops; },
     [](model::BlkioDevice& d, std::uint64_t v) { d.read_iops = static_cast<unsigned>(v); }},
    {"device_write_iops_sec", [](const model::BlkioDevice& d) -> std::uint64_t { return d.write_iops; },
     [](model::BlkioDevice& d, std::uint64_t v) { d.write_iops = static_cast<unsigned>(v); }},
    {"device_read_bytes_sec", [](const model::BlkioDevice& d) { return d.read_bytes; },
     [](model::BlkioDevice& d, std::uint64_t v) { d.read_bytes = v; }},
    {"device_write_bytes_sec", [](const model::BlkioDevice& d) { return d.write_bytes; },
     [](model::BlkioDevice& d, std::uint64_t v) { d.write_bytes = v; }},
};

// "/dev/a,100,/dev/b,200" into the devices' values; a value of 0 takes one away.
void ParseDeviceList(std::vector<model::BlkioDevice>& devices, const DeviceRow& row, const std::string& list) {
  for (std::size_t at = 0; at < list.size();) {
    auto comma = list.find(',', at);
    if (comma == std::string::npos)
      BadValue(fmt::format("unable to parse blkio device '{}' '{}'", row.name, list), ErrorDomain::kDomain);
    auto path = list.substr(at, comma - at);
    auto end = std::min(list.find(',', comma + 1), list.size());
    std::uint64_t value = 0;
    auto [rest, failed] = std::from_chars(list.data() + comma + 1, list.data() + end, value);
    if (path.empty() || failed != std::errc() || rest != list.data() + end)
      BadValue(fmt::format("unable to parse blkio device '{}' '{}'", row.name, list), ErrorDomain::kDomain);
    auto found = std::find_if(devices.begin(), devices.end(), [&](auto& device) { return device.path == path; });
    if (found == devices.end()) {
      model::BlkioDevice device;
      device.path = path;
      found = devices.insert(devices.end(), std::move(device));
    }
    row.set(*found, value);
    at = end + 1;
  }
}

}  // namespace

Task<remote::DomainGetBlkioParametersRet> QemuDriver::DomainGetBlkioParameters(Call&, remote::DomainGetBlkioParametersArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetBlkioParameters");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  remote::DomainGetBlkioParametersRet ret;
  auto weight = def.blkio.weight;
  if (domain->active() && &def != domain->config())
    weight = ReadNumber<unsigned>(domain->guest->cgroup, "blkio", BlkioWeightFile(domain->guest->cgroup), "").value_or(weight);
  ret.params.push_back({"weight", static_cast<std::uint32_t>(weight)});
  for (auto& row : kDeviceRows) {
    std::string list;
    for (auto& device : def.blkio.devices) {
      if (auto value = row.get(device)) list += fmt::format("{}{},{}", list.empty() ? "" : ",", device.path, value);
    }
    ret.params.push_back({row.name, list});
  }
  Answer(ret, args.nparams);
  co_return ret;
}

Task<> QemuDriver::DomainSetBlkioParameters(Call&, remote::DomainSetBlkioParametersArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetBlkioParameters");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetBlkioParameters");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto& param : args.params) {
    auto* row = std::find_if(std::begin(kDeviceRows), std::end(kDeviceRows), [&](auto& r) { return param.field == r.name; });
    if (param.field == "weight") {
      auto weight = ParamValue<std::uint32_t>(param);
      if (defs.live) domain->guest->cgroup.Write("blkio", BlkioWeightFile(domain->guest->cgroup), std::to_string(weight));
      for (auto* def : {defs.live, defs.config}) {
        if (def) def->blkio.weight = weight;
      }
    } else if (row != std::end(kDeviceRows)) {
      for (auto* def : {defs.live, defs.config}) {
        if (def) ParseDeviceList(def->blkio.devices, *row, ParamValue<std::string>(param));
      }
      if (defs.live && domain->guest->cgroup.Has("blkio")) {
        for (auto& device : defs.live->blkio.devices) LimitBlockDevice(domain->guest->cgroup, device, true);
      }
    } else {
      UnknownParam(param);
    }
  }
  co_await SaveChanged(domain, impact);
}

// --- NUMA ----------------------------------------------------------------------------------------

Task<remote::DomainGetNumaParametersRet> QemuDriver::DomainGetNumaParameters(Call&, remote::DomainGetNumaParametersArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetNumaParameters");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  auto& memory = def.numatune.memory;
  remote::DomainGetNumaParametersRet ret;
  ret.params.push_back({"numa_mode", static_cast<std::int32_t>(memory ? memory->mode : model::NumaMode::kStrict)});
  ret.params.push_back({"numa_nodeset", memory && memory->nodeset ? memory->nodeset->Format() : std::string()});
  Answer(ret, args.nparams);
  co_return ret;
}

Task<> QemuDriver::DomainSetNumaParameters(Call&, remote::DomainSetNumaParametersArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetNumaParameters");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetNumaParameters");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  std::optional<model::NumaMode> mode;
  std::optional<Bitmap> nodeset;
  for (auto& param : args.params) {
    if (param.field == "numa_mode") {
      auto value = ParamValue<std::int32_t>(param);
      if (value < 0 || value > static_cast<int>(model::NumaMode::kRestrictive))
        BadValue(fmt::format("unsupported numatune mode: '{}'", value));
      mode = static_cast<model::NumaMode>(value);
    } else if (param.field == "numa_nodeset") {
      nodeset = Bitmap::Parse(ParamValue<std::string>(param));
      if (!nodeset) BadValue(fmt::format("Failed to parse bitmap '{}'", ParamValue<std::string>(param)), ErrorDomain::kNone);
    } else {
      UnknownParam(param);
    }
  }
  if (defs.live) {
    if (mode && mode != (defs.live->numatune.memory ? defs.live->numatune.memory->mode : model::NumaMode::kStrict))
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "can't change numatune mode for running domain");
    if (nodeset && (!defs.live->numatune.memory || defs.live->numatune.memory->mode != model::NumaMode::kRestrictive))
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid,
                  "change of nodeset for running domain requires restrictive numa mode");
    if (nodeset) domain->guest->cgroup.Write("cpuset", "cpuset.mems", nodeset->Format());
  }
  if (defs.config && !nodeset && mode) {
    auto& memory = defs.config->numatune.memory;
    if (!memory || (!memory->nodeset && memory->placement != model::NumaPlacement::kAuto))
      throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported,
                  "nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
  }
  for (auto* def : {defs.live, defs.config}) {
    if (!def) continue;
    auto memory = def->numatune.memory.value_or(model::NumaTuneMemory());
    if (mode) memory.mode = *mode;
    if (nodeset) {
      memory.nodeset = nodeset;
      memory.placement = model::NumaPlacement::kStatic;
    }
    def->numatune.memory = memory;
  }
  co_await SaveChanged(domain, impact);
}

}  // namespace bv::qemu
