// Finding domains, and what they are.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/files.h"
#include "qemu/agent_answers.h"
#include "qemu/command_line/native.h"
#include "qemu/cpu_live.h"
#include "qemu/cpu_models.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/order.h"
#include "qemu/defaults/validate.h"
#include "qemu/driver.h"
#include "qemu/migratable.h"
#include "qemu/secret_values.h"

namespace bv::qemu {
namespace {

[[noreturn]] void NoDomain(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain, what); }

// Nanoseconds that a process has run, of /proc/PID/stat: fields 14 and 15, counted in ticks.
std::uint64_t ProcessCpuTime(pid_t pid) {
  auto stat = ReadFileIfExists(fmt::format("/proc/{}/stat", pid)).value_or("");
  // The second field is the program's name in parentheses, and may contain anything.
  auto at = stat.rfind(')');
  if (at == std::string::npos) return 0;
  std::uint64_t ticks = 0;
  for (int field = 2; field < 15; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string::npos) return 0;
    std::uint64_t value = 0;
    if (field >= 12 && field < 14) {
      std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), value);
      ticks += value;
    }
  }
  return ticks * (1000000000ull / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
}

model::DomainDef CopyOf(const model::DomainDef& def, unsigned format, bool inactive) {
  auto copy = model::ParseDomain(model::FormatDomain(def, format | model::kFormatSecure), inactive ? model::kParseInactive : 0u);
  OrderControllers(copy);
  return copy;
}

}  // namespace

Task<remote::DomainLookupByIdRet> QemuDriver::DomainLookupById(Call&, remote::DomainLookupByIdArgs args) {
  auto domain = domains_.FindId(args.id);
  if (!domain) NoDomain(fmt::format("no domain with matching id {}", args.id));
  co_return remote::DomainLookupByIdRet{domain->Ref()};
}

Task<remote::DomainLookupByNameRet> QemuDriver::DomainLookupByName(Call&, remote::DomainLookupByNameArgs args) {
  auto domain = domains_.FindName(args.name);
  if (!domain) NoDomain(fmt::format("no domain with matching name '{}'", args.name));
  co_return remote::DomainLookupByNameRet{domain->Ref()};
}

Task<remote::DomainLookupByUuidRet> QemuDriver::DomainLookupByUuid(Call&, remote::DomainLookupByUuidArgs args) {
  auto domain = domains_.FindUuid(args.uuid);
  if (!domain) NoDomain(fmt::format("no domain with matching uuid '{}'", args.uuid.ToString()));
  co_return remote::DomainLookupByUuidRet{domain->Ref()};
}

Task<remote::ConnectListDomainsRet> QemuDriver::ConnectListDomains(Call&, remote::ConnectListDomainsArgs args) {
  remote::ConnectListDomainsRet ret;
  domains_.ForEach([&](const DomainPtr& domain) {
    if (domain->active() && static_cast<int>(ret.ids.size()) < args.maxids) ret.ids.push_back(domain->id());
  });
  std::sort(ret.ids.begin(), ret.ids.end());
  co_return ret;
}

Task<remote::ConnectNumOfDomainsRet> QemuDriver::ConnectNumOfDomains(Call&) {
  co_return remote::ConnectNumOfDomainsRet{static_cast<int>(domains_.active())};
}

Task<remote::ConnectListDefinedDomainsRet> QemuDriver::ConnectListDefinedDomains(Call&, remote::ConnectListDefinedDomainsArgs args) {
  remote::ConnectListDefinedDomainsRet ret;
  domains_.ForEach([&](const DomainPtr& domain) {
    if (!domain->active() && static_cast<int>(ret.names.size()) < args.maxnames) ret.names.push_back(domain->name());
  });
  co_return ret;
}

Task<remote::ConnectNumOfDefinedDomainsRet> QemuDriver::ConnectNumOfDefinedDomains(Call&) {
  co_return remote::ConnectNumOfDefinedDomainsRet{static_cast<int>(domains_.size() - domains_.active())};
}

Task<remote::ConnectListAllDomainsRet> QemuDriver::ConnectListAllDomains(Call&, remote::ConnectListAllDomainsArgs args) {
  CheckFlags(args.flags, 0xffff, "qemuConnectListAllDomains");
  remote::ConnectListAllDomainsRet ret;
  if (args.need_results) ret.domains.reserve(domains_.size());
  domains_.ForEach([&](const DomainPtr& domain) {
    if (args.flags && !MatchesListFilter(*domain, args.flags)) return;
    ++ret.ret;
    if (args.need_results) ret.domains.push_back(domain->Ref());
  });
  co_return ret;
}

Task<remote::DomainIsActiveRet> QemuDriver::DomainIsActive(Call&, remote::DomainIsActiveArgs args) {
  co_return remote::DomainIsActiveRet{Find(args.dom)->active()};
}

Task<remote::DomainIsPersistentRet> QemuDriver::DomainIsPersistent(Call&, remote::DomainIsPersistentArgs args) {
  co_return remote::DomainIsPersistentRet{Find(args.dom)->persistent};
}

Task<remote::DomainIsUpdatedRet> QemuDriver::DomainIsUpdated(Call&, remote::DomainIsUpdatedArgs args) {
  co_return remote::DomainIsUpdatedRet{Find(args.dom)->updated};
}

Task<remote::DomainGetOsTypeRet> QemuDriver::DomainGetOsType(Call&, remote::DomainGetOsTypeArgs args) {
  auto domain = co_await Get(args.dom);
  co_return remote::DomainGetOsTypeRet{std::string(model::ToString(domain->def().os.type))};
}

Task<remote::DomainGetInfoRet> QemuDriver::DomainGetInfo(Call&, remote::DomainGetInfoArgs args) {
  auto domain = co_await Get(args.dom);
  auto& def = domain->def();
  remote::DomainGetInfoRet ret;
  ret.state = static_cast<std::uint8_t>(domain->state());
  ret.maxMem = def.memory.total;
  ret.memory = def.memory.current.value_or(def.memory.total);
  ret.nrVirtCpu = static_cast<std::uint16_t>(def.vcpu.current.value_or(def.vcpu.max));
  if (domain->active() && domain->guest) ret.cpuTime = ProcessCpuTime(domain->guest->pid);
  co_return ret;
}

Task<remote::DomainGetStateRet> QemuDriver::DomainGetState(Call&, remote::DomainGetStateArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetState");
  auto domain = Find(args.dom);
  co_return remote::DomainGetStateRet{static_cast<int>(domain->state()), domain->reason()};
}

Task<remote::DomainGetControlInfoRet> QemuDriver::DomainGetControlInfo(Call&, remote::DomainGetControlInfoArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetControlInfo");
  auto domain = Find(args.dom);
  RequireActive(*domain);
  enum { kOk, kJob, kOccupied, kError };
  enum { kNone, kUnknown, kMonitor };
  remote::DomainGetControlInfoRet ret;
  auto since = [](Clock::time_point start) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
  };
  if (!domain->guest->monitor || !domain->guest->monitor->open()) {
    ret.state = kError;
    ret.details = kMonitor;
  } else if (domain->jobs.async() != AsyncJob::kNone) {
    ret.state = kJob;
    ret.stateTime = since(domain->jobs.async_started());
  } else if (domain->jobs.active() != Job::kNone) {
    ret.state = kOccupied;
    ret.stateTime = since(domain->jobs.active_started());
  }
  co_return ret;
}

// Most guests live and die without anybody looking at their CPU, so it is asked for when one does.
Task<> QemuDriver::LearnLiveCpu(DomainPtr domain) {
  auto* guest = domain->guest.get();
  auto& cpu = domain->def().cpu;
  if (!guest || guest->cpu_known || guest->starting || !cpu || cpu->mode != model::CpuMode::kCustom || guest->vcpus.empty() ||
      guest->vcpus[0].qom_path.empty() || !guest->monitor || !guest->monitor->open())
    co_return;
  guest->cpu_known = true;
  auto queries = LiveCpuQueries(guest->vcpus[0].qom_path);
  auto replies = co_await guest->monitor->ExecuteAll(std::move(queries));
  if (domain->guest.get() != guest || !domain->def().cpu) co_return;
  auto original = std::make_unique<model::CpuDef>(*domain->def().cpu);
  UpdateFromLiveCpu(*domain->MutableDef().cpu, replies);
  if (!guest->original_cpu) guest->original_cpu = std::move(original);
  guests_->SaveStatus(domain);
}

Task<remote::DomainGetXmlDescRet> QemuDriver::DomainGetXmlDesc(Call&, remote::DomainGetXmlDescArgs args) {
  CheckFlags(args.flags, 0xf, "qemuDomainGetXMLDesc");
  auto domain = co_await Get(args.dom);
  enum : unsigned { kSecure = 1, kInactive = 2, kUpdateCpu = 4, kMigratable = 8 };
  // A running transient guest has no other definition than the live one.
  bool inactive = (args.flags & kInactive) && domain->config();
  bool migratable = args.flags & kMigratable;
  if (domain->active() && !inactive && !migratable) co_await LearnLiveCpu(domain);
  unsigned format = (args.flags & kSecure ? unsigned{model::kFormatSecure} : 0u) |
                    (inactive ? unsigned{model::kFormatInactive} : 0u);
  if (!(args.flags & kUpdateCpu))
    co_return remote::DomainGetXmlDescRet{domain->Xml(format | (migratable ? unsigned{model::kFormatMigratable} : 0u))};
  auto& def = inactive ? *domain->config() : domain->def();
  auto caps = co_await CapsOf(def);
  // What the client sees is changed, not what the guest has.
  model::DomainDef shown = migratable ? (inactive ? MigratableDef(def) : MigratableDef(*domain)) : CopyOf(def, format, inactive || !domain->active());
  if (migratable) format = kMigratableFormat;
  // What interfaces are connected to is not in any document that is read.
  for (std::size_t i = 0; !migratable && i < shown.interfaces.size(); ++i) shown.interfaces[i]->actual = def.interfaces[i]->actual;
  auto accelerator = shown.virt_type == model::VirtType::kKvm ? Accelerator::kKvm : Accelerator::kTcg;
  if (shown.cpu) UpdateGuestCpu(*shown.cpu, *caps, accelerator, shown.os.arch);
  co_return remote::DomainGetXmlDescRet{model::FormatDomain(shown, format)};
}

Task<remote::DomainGetMaxMemoryRet> QemuDriver::DomainGetMaxMemory(Call&, remote::DomainGetMaxMemoryArgs args) {
  auto domain = co_await Get(args.dom);
  co_return remote::DomainGetMaxMemoryRet{domain->def().memory.total};
}

Task<remote::DomainGetMaxVcpusRet> QemuDriver::DomainGetMaxVcpus(Call&, remote::DomainGetMaxVcpusArgs args) {
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  co_return remote::DomainGetMaxVcpusRet{static_cast<int>(domain->def().vcpu.max)};
}

Task<remote::DomainGetLaunchSecurityInfoRet> QemuDriver::DomainGetLaunchSecurityInfo(Call&, remote::DomainGetLaunchSecurityInfoArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetLaunchSecurityInfo");
  auto domain = co_await Get(args.dom);
  remote::DomainGetLaunchSecurityInfoRet ret;
  auto& security = domain->def().launch_security;
  if (!security || security->type != model::LaunchSecurityType::kSev) co_return ret;
  RequireActive(*domain);
  std::vector<MonitorCommand> questions(2);
  questions[0].name = "query-sev-launch-measure";
  questions[1].name = "query-sev";
  auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(questions));
  const Json& measure = replies[0].Value();
  const Json& sev = replies[1].Value();
  auto number = [&](const char* member) { return static_cast<std::uint32_t>(sev[member].AsUint().value_or(0)); };
  ret.params.push_back({"sev-measurement", measure["data"].AsString().value_or("")});
  ret.params.push_back({"sev-api-major", number("api-major")});
  ret.params.push_back({"sev-api-minor", number("api-minor")});
  ret.params.push_back({"sev-build-id", number("build-id")});
  ret.params.push_back({"sev-policy", number("policy")});
  co_return ret;
}

Task<remote::DomainGetVcpusFlagsRet> QemuDriver::DomainGetVcpusFlags(Call&, remote::DomainGetVcpusFlagsArgs args) {
  enum : unsigned { kMaximum = 4, kGuest = 8 };
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig | kMaximum | kGuest, "qemuDomainGetVcpusFlags");
  auto domain = co_await Get(args.dom);
  auto& vcpu = DefFor(*domain, args.flags & 3).vcpu;
  if (args.flags & kGuest) {
    if (!domain->active())
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "vCPU count provided by the guest agent can only be requested for live domains");
    auto vcpus = ReadGuestVcpus(co_await AskAgent(domain, "guest-get-vcpus"));
    auto online = std::count_if(vcpus.begin(), vcpus.end(), [](auto& cpu) { return cpu.online; });
    co_return remote::DomainGetVcpusFlagsRet{static_cast<int>(args.flags & kMaximum ? vcpus.size() : static_cast<std::size_t>(online))};
  }
  co_return remote::DomainGetVcpusFlagsRet{static_cast<int>(args.flags & kMaximum ? vcpu.max : vcpu.current.value_or(vcpu.max))};
}

Task<remote::DomainGetMessagesRet> QemuDriver::DomainGetMessages(Call&, remote::DomainGetMessagesArgs args) {
  constexpr unsigned kDeprecation = 1, kTainting = 2;
  CheckFlags(args.flags, kDeprecation | kTainting, "qemuDomainGetMessages");
  auto domain = Find(args.dom);
  remote::DomainGetMessagesRet ret;
  auto* guest = domain->guest.get();
  if (!guest) co_return ret;
  if (!args.flags || (args.flags & kTainting)) {
    for (auto taint : guest->taints) ret.msgs.push_back(fmt::format("tainted: {}", TaintMessage(taint)));
  }
  co_return ret;
}

Task<remote::DomainHasManagedSaveImageRet> QemuDriver::DomainHasManagedSaveImage(Call&, remote::DomainHasManagedSaveImageArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainHasManagedSaveImage");
  co_return remote::DomainHasManagedSaveImageRet{Find(args.dom)->has_managed_save};
}

Task<remote::DomainGetSecurityLabelRet> QemuDriver::DomainGetSecurityLabel(Call&, remote::DomainGetSecurityLabelArgs args) {
  auto domain = Find(args.dom);
  // The label of the first security model that is not plain ownership; none is built in yet.
  remote::DomainGetSecurityLabelRet ret;
  ret.label.push_back(0);
  co_return ret;
}

Task<remote::DomainGetSecurityLabelListRet> QemuDriver::DomainGetSecurityLabelList(Call&, remote::DomainGetSecurityLabelListArgs args) {
  auto domain = Find(args.dom);
  remote::DomainGetSecurityLabelListRet ret;
  if (domain->active()) {
    remote::DomainGetSecurityLabelRet none, dac;
    none.label.push_back(0);
    for (char c : fmt::format("+{}:+{}", config_->uid, config_->gid)) dac.label.push_back(c);
    dac.label.push_back(0);
    ret.labels.push_back(std::move(none));
    ret.labels.push_back(std::move(dac));
    ret.ret = 2;
  }
  co_return ret;
}

Task<remote::ConnectDomainXmlToNativeRet> QemuDriver::ConnectDomainXmlToNative(Call&, remote::ConnectDomainXmlToNativeArgs args) {
  CheckFlags(args.flags, 0, "qemuConnectDomainXMLToNative");
  if (args.nativeFormat != "qemu-argv")
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("unsupported config type {}", args.nativeFormat));
  auto def = co_await ReadXml(args.domainXml, model::kParseInactive | model::kParseAbiUpdate);
  auto caps = co_await CapsOf(*def);
  ValidateDomain(*def, *caps, *config_);
  auto host_cpu = co_await host_calls_->HostCpu();
  BuildOptions options;
  options.host_cpu = &host_cpu;
  PrepareNative(*def, *caps, *config_, options);
  auto build = [&] { return BuildCommandLine(*def, *caps, *config_, options); };
  auto line = co_await BuildWithSecrets(options, build);
  co_return remote::ConnectDomainXmlToNativeRet{line.ToShell() + "\n"};
}

}  // namespace bv::qemu
