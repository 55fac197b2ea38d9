// Virtual CPUs and iothreads: how many, where they run.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "qemu/agent.h"
#include "qemu/driver.h"
#include "qemu/guest_threads.h"

namespace bv::qemu {
namespace {

[[noreturn]] void Invalid(const std::string& what, ErrorDomain domain = ErrorDomain::kQemu) {
  throw Error(domain, ErrorCode::kInvalidArg, what);
}

unsigned HostCpus() {
  auto count = sysconf(_SC_NPROCESSORS_CONF);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

Bitmap AllHostCpus() {
  Bitmap cpus(HostCpus());
  cpus.SetRange(0, HostCpus() - 1);
  return cpus;
}

// A cpumap of `length` bytes.
void AppendMap(std::vector<std::uint8_t>& out, const Bitmap& cpus, std::size_t length) {
  auto bytes = cpus.ToBytes();
  bytes.resize(length);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <typename Bytes>
Bitmap MapFrom(const Bytes& bytes) {
  auto cpus = Bitmap::FromBytes(bytes.data(), bytes.size());
  if (cpus.empty()) Invalid("Empty cpu list for pinning");
  return cpus;
}

// Where threads may run that have no pinning of their own.
Bitmap DefaultCpus(const model::DomainDef& def) { return def.vcpu.cpuset.value_or(AllHostCpus()); }

Bitmap PinOf(const std::vector<model::ThreadPin>& pins, unsigned id, const model::DomainDef& def) {
  for (auto& pin : pins) {
    if (pin.id == id) return pin.cpus;
  }
  return DefaultCpus(def);
}

void SetPin(std::vector<model::ThreadPin>& pins, unsigned id, const Bitmap& cpus) {
  for (auto& pin : pins) {
    if (pin.id == id) {
      pin.cpus = cpus;
      return;
    }
  }
  auto at = std::find_if(pins.begin(), pins.end(), [&](auto& pin) { return pin.id > id; });
  model::ThreadPin pin;
  pin.id = id;
  pin.cpus = cpus;
  pins.insert(at, std::move(pin));
}

// A vCPU's time and last host CPU, from /proc/PID/task/TID/stat.
struct ThreadStat {
  std::uint64_t cpu_time = 0;
  int cpu = 0;
};
ThreadStat StatOf(pid_t pid, pid_t tid) {
  ThreadStat result;
  auto text = ReadFileIfExists(fmt::format("/proc/{}/task/{}/stat", pid, tid)).value_or("");
  auto at = text.rfind(')');
  std::uint64_t ticks = 0;
  for (int field = 3; at != std::string::npos && field <= 39; ++field) {
    at = text.find(' ', at + (field == 3 ? 1 : 1));
    if (at == std::string::npos) break;
    auto value = strtoull(text.c_str() + at, nullptr, 10);
    if (field == 14 || field == 15) ticks += value;
    if (field == 39) result.cpu = static_cast<int>(value);
  }
  result.cpu_time = ticks * (1000000000ull / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
  return result;
}

model::IoThreadId* FindIothread(model::DomainDef& def, unsigned id) {
  for (auto& thread : def.iothreads.ids) {
    if (thread.id == id) return &thread;
  }
  return nullptr;
}

bool IothreadInUse(const model::DomainDef& def, unsigned id) {
  for (auto& disk : def.disks) {
    if (disk->driver.iothread == id) return true;
  }
  for (auto& controller : def.controllers) {
    if (controller->iothread == id) return true;
  }
  return false;
}

void CheckNewIothread(model::DomainDef& def, unsigned id) {
  if (FindIothread(def, id)) Invalid(fmt::format("an IOThread is already using iothread_id '{}'", id), ErrorDomain::kDomain);
}

void CheckOldIothread(model::DomainDef& def, unsigned id) {
  if (!FindIothread(def, id)) Invalid(fmt::format("cannot find IOThread '{}' in iothreadids list", id), ErrorDomain::kDomain);
  if (IothreadInUse(def, id)) Invalid(fmt::format("cannot remove IOThread {} since it is being used by a disk or controller", id), ErrorDomain::kDomain);
}

void RemoveIothread(model::DomainDef& def, unsigned id) {
  std::erase_if(def.iothreads.ids, [&](auto& thread) { return thread.id == id; });
  std::erase_if(def.cputune.iothread_pins, [&](auto& pin) { return pin.id == id; });
}

unsigned CurrentVcpus(const model::VcpuSettings& vcpu) { return vcpu.current.value_or(vcpu.max); }

void SetCurrentCount(model::VcpuSettings& vcpu, unsigned count) {
  vcpu.current = count == vcpu.max ? std::nullopt : std::optional(count);
}

// Turns vCPUs on from the first and off from the last.
void SetCurrentVcpus(model::VcpuSettings& vcpu, unsigned count) {
  auto current = CurrentVcpus(vcpu);
  for (unsigned id = 0; id < vcpu.vcpus.size() && current < count; ++id) {
    auto& entry = vcpu.vcpus[id];
    if (entry.enabled == model::YesNo::kYes) continue;
    entry.enabled = model::YesNo::kYes;
    ++current;
  }
  for (auto id = vcpu.vcpus.size(); id-- > 0 && current > count;) {
    auto& entry = vcpu.vcpus[id];
    if (entry.enabled != model::YesNo::kYes) continue;
    entry = {.enabled = model::YesNo::kNo, .hotpluggable = model::YesNo::kYes};
    --current;
  }
  SetCurrentCount(vcpu, count);
}

std::string IothreadAlias(unsigned id) { return fmt::format("iothread{}", id); }

}  // namespace

// --- vCPUs ---------------------------------------------------------------------------------------

Task<> QemuDriver::DomainSetVcpus(Call& call, remote::DomainSetVcpusArgs args) {
  remote::DomainSetVcpusFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.nvcpus = args.nvcpus;
  with_flags.flags = remote::kAffectLive;
  co_await DomainSetVcpusFlags(call, with_flags);
}

Task<> QemuDriver::DomainSetVcpusFlags(Call&, remote::DomainSetVcpusFlagsArgs args) {
  constexpr unsigned kMaximum = 4, kGuest = 8, kHotpluggable = 16;
  CheckFlags(args.flags, 3 | kMaximum | kGuest | kHotpluggable, "qemuDomainSetVcpusFlags");
  auto domain = co_await Get(args.dom);
  if (args.flags & kGuest) {
    ResolveImpact(*domain, args.flags & 3);
    co_await SetOnlineVcpus(domain, args.nvcpus);
    co_return;
  }
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetVcpusFlags");
  auto impact = ResolveImpact(*domain, args.flags & 3);
  auto defs = DefsFor(*domain, impact);
  if (args.flags & kMaximum) {
    if (defs.live) Invalid("maximum vcpu count of a live domain can't be modified");
    auto& vcpu = defs.config->vcpu;
    if (vcpu.current && *vcpu.current >= args.nvcpus) vcpu.current.reset();
    if (!vcpu.current && args.nvcpus > vcpu.max) vcpu.current = vcpu.max;
    vcpu.max = args.nvcpus;
    if (!vcpu.vcpus.empty()) vcpu.vcpus.resize(vcpu.max);
  } else {
    for (auto* def : {defs.live, defs.config}) {
      if (def && args.nvcpus > def->vcpu.max)
        Invalid(fmt::format("requested vcpus is greater than max allowable vcpus for the {} domain: {} > {}",
                            def == defs.live ? "live" : "persistent", args.nvcpus, def->vcpu.max));
    }
    if (defs.live) co_await PlugVcpusTo(domain, args.nvcpus);
    if (defs.config) SetCurrentVcpus(defs.config->vcpu, args.nvcpus);
  }
  co_await SaveChanged(domain, impact);
}

// The running guest's count: each that comes or goes is told of in its status, whatever becomes of the next.
Task<> QemuDriver::PlugVcpusTo(DomainPtr domain, unsigned count) {
  auto& settings = domain->MutableDef().vcpu;
  auto online = [&](unsigned id) {
    return std::ranges::find(domain->guest->vcpus, id, &Guest::Vcpu::id) != domain->guest->vcpus.end();
  };
  auto plugged = [&](unsigned id) {
    auto vcpu = std::ranges::find(domain->guest->vcpus, id, &Guest::Vcpu::id);
    return vcpu != domain->guest->vcpus.end() && !vcpu->alias.empty();
  };
  auto current = CurrentVcpus(settings);
  std::vector<unsigned> changes;
  if (count > current) {
    for (unsigned id = 0; id < settings.max && changes.size() < count - current; ++id) {
      if (!online(id)) changes.push_back(id);
    }
  } else {
    for (auto id = settings.max; id-- > 0 && changes.size() < current - count;) {
      if (plugged(id)) changes.push_back(id);
    }
  }
  if (changes.size() != (count > current ? count - current : current - count))
    Invalid("failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count");
  for (auto id : changes) {
    if (count > current) {
      co_await guests_->AddVcpu(domain, id);
    } else {
      co_await guests_->RemoveVcpu(domain, id);
    }
    RequireActive(*domain);
    auto& live = domain->MutableDef().vcpu;
    SetCurrentCount(live, count > current ? CurrentVcpus(live) + 1 : CurrentVcpus(live) - 1);
    if (id < live.vcpus.size()) {
      unsigned last = 0;
      for (auto& vcpu : live.vcpus) last = std::max(last, vcpu.order);
      live.vcpus[id] = {.enabled = count > current ? model::YesNo::kYes : model::YesNo::kNo,
                        .hotpluggable = model::YesNo::kYes,
                        .order = count > current ? last + 1 : 0};
    }
    co_await guests_->StoreStatus(domain);
    RequireActive(*domain);
  }
}

Task<remote::DomainGetVcpusRet> QemuDriver::DomainGetVcpus(Call&, remote::DomainGetVcpusArgs args) {
  auto domain = co_await Get(args.dom);
  if (!domain->active())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "cannot retrieve vcpu information for inactive domain");
  auto& def = domain->def();
  remote::DomainGetVcpusRet ret;
  for (auto& vcpu : domain->guest->vcpus) {
    if (static_cast<int>(ret.info.size()) >= args.maxinfo) break;
    remote::VcpuInfo info;
    info.number = vcpu.id;
    info.state = 1;  // VIR_VCPU_RUNNING: the only one QEMU tells of
    if (vcpu.tid) {
      auto stat = StatOf(domain->guest->pid, vcpu.tid);
      info.cpu_time = stat.cpu_time;
      info.cpu = stat.cpu;
    }
    ret.info.push_back(info);
    if (args.maplen > 0) AppendMap(ret.cpumaps, PinOf(def.cputune.vcpu_pins, vcpu.id, def), static_cast<std::size_t>(args.maplen));
  }
  co_return ret;
}

Task<> QemuDriver::DomainPinVcpu(Call& call, remote::DomainPinVcpuArgs args) {
  remote::DomainPinVcpuFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.vcpu = args.vcpu;
  with_flags.cpumap.assign(args.cpumap.begin(), args.cpumap.end());
  with_flags.flags = remote::kAffectLive;
  co_await DomainPinVcpuFlags(call, std::move(with_flags));
}

Task<> QemuDriver::DomainPinVcpuFlags(Call&, remote::DomainPinVcpuFlagsArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainPinVcpuFlags");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainPinVcpuFlags");
  auto impact = ResolveImpact(*domain, args.flags);
  auto cpus = MapFrom(args.cpumap);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def && args.vcpu >= def->vcpu.max)
      Invalid(fmt::format("vcpu {} is out of range of {} cpu count {}", args.vcpu, def == defs.live ? "live" : "persistent", def->vcpu.max));
  }
  if (defs.live) {
    for (auto& vcpu : domain->guest->vcpus) {
      if (vcpu.id != args.vcpu || !vcpu.tid) continue;
      domain->guest->cgroup.Write("cpuset", "cpuset.cpus", cpus.Format(), fmt::format("vcpu{}", vcpu.id));
      PinThread(vcpu.tid, cpus);
    }
    std::vector<TypedParam> changed;
    changed.push_back({fmt::format("cputune.vcpupin{}", args.vcpu), cpus.Format()});
    events_.SendTunable(domain->Ref(), std::move(changed));
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) SetPin(def->cputune.vcpu_pins, args.vcpu, cpus);
  }
  co_await SaveChanged(domain, impact);
}

Task<remote::DomainGetVcpuPinInfoRet> QemuDriver::DomainGetVcpuPinInfo(Call&, remote::DomainGetVcpuPinInfoArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainGetVcpuPinInfo");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags);
  remote::DomainGetVcpuPinInfoRet ret;
  auto count = std::min(static_cast<int>(def.vcpu.max), args.ncpumaps);
  for (int i = 0; i < count; ++i)
    AppendMap(ret.cpumaps, PinOf(def.cputune.vcpu_pins, static_cast<unsigned>(i), def), static_cast<std::size_t>(args.maplen));
  ret.num = count;
  co_return ret;
}

Task<> QemuDriver::DomainPinEmulator(Call&, remote::DomainPinEmulatorArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainPinEmulator");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainPinEmulator");
  auto impact = ResolveImpact(*domain, args.flags);
  auto cpus = MapFrom(args.cpumap);
  auto defs = DefsFor(*domain, impact);
  if (defs.live) {
    domain->guest->cgroup.Write("cpuset", "cpuset.cpus", cpus.Format(), "emulator");
    PinThread(domain->guest->pid, cpus);
    std::vector<TypedParam> changed;
    changed.push_back({"cputune.emulatorpin", cpus.Format()});
    events_.SendTunable(domain->Ref(), std::move(changed));
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) def->cputune.emulator_pin = cpus;
  }
  co_await SaveChanged(domain, impact);
}

Task<remote::DomainGetEmulatorPinInfoRet> QemuDriver::DomainGetEmulatorPinInfo(Call&, remote::DomainGetEmulatorPinInfoArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainGetEmulatorPinInfo");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags);
  remote::DomainGetEmulatorPinInfoRet ret;
  AppendMap(ret.cpumaps, def.cputune.emulator_pin.value_or(DefaultCpus(def)), static_cast<std::size_t>(args.maplen));
  ret.ret = 1;
  co_return ret;
}

// --- iothreads -----------------------------------------------------------------------------------

Task<remote::DomainGetIothreadInfoRet> QemuDriver::DomainGetIothreadInfo(Call&, remote::DomainGetIothreadInfoArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainGetIOThreadInfo");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags);
  remote::DomainGetIothreadInfoRet ret;
  for (auto& thread : def.iothreads.ids) {
    remote::DomainIothreadInfo info;
    info.iothread_id = thread.id;
    AppendMap(info.cpumap, PinOf(def.cputune.iothread_pins, thread.id, def), (HostCpus() + 7) / 8);
    ret.info.push_back(std::move(info));
  }
  ret.ret = static_cast<std::uint32_t>(ret.info.size());
  co_return ret;
}

Task<> QemuDriver::DomainPinIothread(Call&, remote::DomainPinIothreadArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainPinIOThread");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainPinIOThread");
  auto impact = ResolveImpact(*domain, args.flags);
  auto cpus = MapFrom(args.cpumap);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def && !FindIothread(*def, args.iothreads_id)) Invalid(fmt::format("iothreadid {} not found", args.iothreads_id));
  }
  if (defs.live) {
    auto threads = co_await guests_->MonitorOf(domain).Execute("query-iothreads");
    for (auto& thread : threads.elements()) {
      if (thread["id"].AsString() != IothreadAlias(args.iothreads_id)) continue;
      auto tid = static_cast<pid_t>(thread["thread-id"].AsInt().value_or(0));
      if (tid) PinThread(tid, cpus);
    }
    std::vector<TypedParam> changed;
    changed.push_back({fmt::format("cputune.iothreadpin{}", args.iothreads_id), cpus.Format()});
    events_.SendTunable(domain->Ref(), std::move(changed));
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) SetPin(def->cputune.iothread_pins, args.iothreads_id, cpus);
  }
  co_await SaveChanged(domain, impact);
}

Task<> QemuDriver::DomainAddIothread(Call&, remote::DomainAddIothreadArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainAddIOThread");
  if (args.iothread_id == 0) Invalid("invalid value of 0 for iothread_id");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainAddIOThread");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def) CheckNewIothread(*def, args.iothread_id);
  }
  if (defs.live) {
    auto object = Json::Object();
    object.Set("qom-type", "iothread");
    object.Set("id", IothreadAlias(args.iothread_id));
    co_await guests_->MonitorOf(domain).Execute("object-add", object);
  }
  for (auto* def : {defs.live, defs.config}) {
    if (!def) continue;
    model::IoThreadId thread;
    thread.id = args.iothread_id;
    def->iothreads.ids.push_back(thread);
  }
  co_await SaveChanged(domain, impact);
}

Task<> QemuDriver::DomainDelIothread(Call&, remote::DomainDelIothreadArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainDelIOThread");
  if (args.iothread_id == 0) Invalid("invalid value of 0 for iothread_id");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainDelIOThread");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def) CheckOldIothread(*def, args.iothread_id);
  }
  if (defs.live) {
    auto object = Json::Object();
    object.Set("id", IothreadAlias(args.iothread_id));
    co_await guests_->MonitorOf(domain).Execute("object-del", object);
    if (domain->guest) domain->guest->cgroup.RemoveGroup(IothreadAlias(args.iothread_id));
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) RemoveIothread(*def, args.iothread_id);
  }
  co_await SaveChanged(domain, impact);
}

Task<> QemuDriver::DomainSetIothreadParams(Call&, remote::DomainSetIothreadParamsArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetIOThreadParams");
  if (args.iothread_id == 0) Invalid("invalid value of 0 for iothread_id");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetIOThreadParams");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def && !FindIothread(*def, args.iothread_id))
      Invalid(fmt::format("cannot find IOThread '{}' in iothreadids", args.iothread_id));
  }
  // The API's names, and QEMU's properties of the object. Polling has no place in the definition.
  static constexpr std::pair<const char*, const char*> kNames[] = {{"poll_max_ns", "poll-max-ns"},
                                                                   {"poll_grow", "poll-grow"},
                                                                   {"poll_shrink", "poll-shrink"},
                                                                   {"thread_pool_min", "thread-pool-min"},
                                                                   {"thread_pool_max", "thread-pool-max"}};
  std::vector<MonitorCommand> commands;
  for (auto& param : args.params) {
    auto* name = std::find_if(std::begin(kNames), std::end(kNames), [&](auto& row) { return param.field == row.first; });
    if (name == std::end(kNames))
      throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, fmt::format("parameter '{}' not supported", param.field));
    auto arguments = Json::Object();
    arguments.Set("path", "/objects/" + IothreadAlias(args.iothread_id));
    arguments.Set("property", name->second);
    auto number = std::visit([](auto& value) -> std::int64_t {
      if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) return static_cast<std::int64_t>(value);
      return 0;
    }, param.value);
    arguments.Set("value", number);
    bool pool = param.field.starts_with("thread_pool");
    if (!pool && defs.config && !defs.live)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                  "configuring persistent polling values is not supported");
    for (auto* def : {defs.live, defs.config}) {
      if (!def || !pool) continue;
      auto* thread = FindIothread(*def, args.iothread_id);
      (param.field == "thread_pool_min" ? thread->pool_min : thread->pool_max) = static_cast<unsigned>(number);
    }
    MonitorCommand command;
    command.name = "qom-set";
    command.arguments = arguments;
    commands.push_back(std::move(command));
  }
  if (defs.live) {
    auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) reply.Value();
  }
  co_await SaveChanged(domain, impact);
}

}  // namespace bv::qemu
