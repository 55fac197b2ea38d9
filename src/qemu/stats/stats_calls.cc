#include "qemu/stats/stats_calls.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/turn.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "host/kernel_files.h"
#include "host/topology.h"
#include "qemu/guest.h"
#include "qemu/stats/domain_stats.h"
#include "qemu/stats/guest_report.h"
#include "qemu/stats/process_usage.h"

namespace bv::qemu {

namespace {

// virConnectGetAllDomainStatsFlags: the lower bits are those of virConnectListAllDomains.
constexpr unsigned kListFilters = 0xff;
constexpr unsigned kNoWait = 1u << 29, kBacking = 1u << 30, kEnforce = 1u << 31;
constexpr unsigned kStringOkay = 1u << 2;  // virTypedParameterFlags

void Refuse(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kQemu, function);
}

void RequireRunning(const Domain& domain) {
  if (domain.active() && domain.guest) return;
  throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, "domain is not running");
}

// Throws when a domain cannot give all of the groups that the client insists on.
void RequireGroups(const Domain& domain, unsigned groups) {
  // These come from QEMU, and nobody knows whether a guest's QEMU has them while it does not run.
  constexpr unsigned kAskQemu = kStatsIothread | kStatsDirtyRate | kStatsVm;
  unsigned missing = groups & ~(domain.active() ? unsigned{kStatsAll} : kStatsAll & ~kAskQemu);
  if (missing)
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported,
                fmt::format("Stats types bits 0x{:x} are not supported by this daemon or QEMU", missing));
}

void AddParam(std::vector<TypedParam>& params, const char* name, TypedParamValue value) {
  TypedParam& param = params.emplace_back();
  param.field = name;
  param.value = std::move(value);
}

}  // namespace

void StatsCalls::Register(Service& service) {
  using namespace remote::proc;
  service.On<ConnectGetAllDomainStats>(this, &StatsCalls::GetAllDomainStats);
  service.On<DomainInterfaceStats>(this, &StatsCalls::InterfaceStats);
  service.On<DomainGetCpuStats>(this, &StatsCalls::GetCpuStats);
}

// --- All at once ---------------------------------------------------------------------------------

Task<std::vector<StatsCalls::DomainPtr>> StatsCalls::Chosen(remote::ConnectGetAllDomainStatsArgs args) {
  std::vector<DomainPtr> domains;
  const unsigned filters = args.flags & kListFilters;
  if (!args.doms.empty()) {
    for (const remote::NonnullDomain& dom : args.doms) {
      // Those that have gone since the client looked are left out.
      auto domain = domains_->FindUuid(dom.uuid);
      if (domain && (!filters || MatchesListFilter(*domain, filters))) domains.push_back(co_await find_(dom));
    }
    co_return domains;
  }
  for (const DomainPtr& domain : domains_->All()) {
    co_await Breathe();
    if (filters && !MatchesListFilter(*domain, filters)) continue;
    if (domain->removed) continue;
    domains.push_back(co_await find_(domain->Ref()));
  }
  co_return domains;
}

Task<remote::ConnectGetAllDomainStatsRet> StatsCalls::GetAllDomainStats(Call&, remote::ConnectGetAllDomainStatsArgs args) {
  Refuse(args.flags, kListFilters | kNoWait | kBacking | kEnforce, "qemuConnectGetAllDomainStats");
  const unsigned groups = args.stats == 0 ? unsigned{kStatsAll} : args.stats;
  const bool with_backing = (args.flags & kBacking) != 0;
  const unsigned insisted = args.flags & kEnforce ? args.stats : 0;
  std::vector<DomainPtr> domains = co_await Chosen(std::move(args));
  for (const DomainPtr& domain : domains) RequireGroups(*domain, insisted);

  // Every guest is asked before any answer is waited for.
  std::vector<GuestReport> reports(domains.size());
  std::size_t left = domains.size();
  Event all_answered;
  auto ask = [](DomainPtr domain, unsigned groups, GuestReport* report, std::size_t* left, Event* done) -> Task<> {
    *report = co_await AskGuest(std::move(domain), groups);
    if (--*left == 0) done->Set();
  };
  for (std::size_t i = 0; i < domains.size(); ++i) {
    Spawn(ask(domains[i], groups, &reports[i], &left, &all_answered), "domain statistics");
  }
  std::vector<std::string> images;
  if (groups & kStatsBlock) {
    for (const DomainPtr& domain : domains) AppendImagePaths(*domain, with_backing, &images);
  }
  ImageSizes sizes;
  if (!images.empty()) {
    auto ask_sizes = Offload([images = std::move(images)] { return SizesOf(images); });
    sizes = co_await std::move(ask_sizes);
  }
  while (left > 0) co_await all_answered.Wait();

  remote::ConnectGetAllDomainStatsRet ret;
  for (std::size_t i = 0; i < domains.size(); ++i) {
    co_await Breathe();
    if (domains[i]->removed) continue;
    auto& record = ret.retStats.emplace_back();
    record.dom = domains[i]->Ref();
    for (TypedParam& param : DomainStats(*domains[i], reports[i], sizes).Collect(groups, with_backing)) {
      record.params.push_back(std::move(param));
    }
  }
  co_return ret;
}

// --- One thing -----------------------------------------------------------------------------------

Task<remote::DomainInterfaceStatsRet> StatsCalls::InterfaceStats(Call&, remote::DomainInterfaceStatsArgs args) {
  DomainPtr domain = co_await find_(args.dom);
  RequireRunning(*domain);
  const auto mac = model::MacAddress::Parse(args.device);
  const auto& interfaces = domain->def().interfaces;
  auto found = std::ranges::find_if(interfaces, [&](const auto& interface) {
    if (mac) return interface->mac && *interface->mac == *mac;
    return !args.device.empty() && interface->target.dev == args.device;
  });
  if (found == interfaces.end()) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, fmt::format("'{}' is not a known interface", args.device));
  }
  const model::Interface& interface = **found;
  if (interface.target.dev.empty()) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Interface name not provided");
  auto counters = CountersOf(interface.target.dev, !SharesHostView(interface));
  if (!counters) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "/proc/net/dev: Interface not found");
  remote::DomainInterfaceStatsRet ret;
  ret.rx_bytes = counters->rx_bytes;
  ret.rx_packets = counters->rx_packets;
  ret.rx_errs = counters->rx_errs;
  ret.rx_drop = counters->rx_drop;
  ret.tx_bytes = counters->tx_bytes;
  ret.tx_packets = counters->tx_packets;
  ret.tx_errs = counters->tx_errs;
  ret.tx_drop = counters->tx_drop;
  co_return ret;
}

// --- Processors ----------------------------------------------------------------------------------

namespace {

std::vector<std::uint64_t> Numbers(const std::string& text) {
  std::vector<std::uint64_t> numbers;
  const char* at = text.c_str();
  for (char* end;; at = end) {
    std::uint64_t number = std::strtoull(at, &end, 10);
    if (end == at) return numbers;
    numbers.push_back(number);
  }
}

// Nanoseconds per host processor that the guest's group used, and of these its virtual processors.
struct PerCpuTimes {
  std::vector<std::uint64_t> total, vcpus;
};
PerCpuTimes PerCpuTimesOf(const Guest& guest) {
  PerCpuTimes times;
  times.total = Numbers(guest.cgroup.Read("cpuacct", "cpuacct.usage_percpu").value_or(""));
  times.vcpus.assign(times.total.size(), 0);
  for (const Guest::Vcpu& vcpu : guest.vcpus) {
    auto one = Numbers(guest.cgroup.Read("cpuacct", "cpuacct.usage_percpu", fmt::format("vcpu{}", vcpu.id)).value_or(""));
    for (std::size_t i = 0; i < std::min(one.size(), times.vcpus.size()); ++i) times.vcpus[i] += one[i];
  }
  return times;
}

}  // namespace

Task<remote::DomainGetCpuStatsRet> StatsCalls::GetCpuStats(Call&, remote::DomainGetCpuStatsArgs args) {
  Refuse(args.flags, kStringOkay, "qemuDomainGetCPUStats");
  DomainPtr domain = co_await find_(args.dom);
  RequireRunning(*domain);
  const Guest& guest = *domain->guest;
  if (!guest.cgroup.Has("cpuacct")) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "cgroup CPUACCT controller is not mounted");
  }
  remote::DomainGetCpuStatsRet ret;
  std::vector<TypedParam> params;
  if (args.start_cpu == -1) {
    // The whole guest.
    constexpr int kTotals = 3;
    ret.nparams = kTotals;
    if (args.nparams == 0) co_return ret;
    const ProcessUsage usage = UsageOf(guest.pid);
    AddParam(params, "cpu_time", guest.cgroup.CpuTime().value_or(usage.total_ns()));
    AddParam(params, "user_time", usage.user_ns);
    AddParam(params, "system_time", usage.system_ns);
    params.resize(std::min<std::size_t>(params.size(), args.nparams));
  } else {
    constexpr int kPerCpu = 2;
    const PerCpuTimes times = PerCpuTimesOf(guest);
    // A client first asks for the number of values, then for the number of processors.
    if (args.nparams == 0 && args.ncpus != 0) {
      ret.nparams = kPerCpu;
      co_return ret;
    }
    if (args.ncpus == 0) {
      ret.nparams = static_cast<int32_t>(host::PresentCpus(host::KernelFiles()).size());
      co_return ret;
    }
    const std::size_t first = static_cast<std::size_t>(args.start_cpu);
    if (first >= times.total.size()) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                  fmt::format("start_cpu {} larger than maximum of {}", args.start_cpu, static_cast<int>(times.total.size()) - 1));
    }
    for (std::size_t cpu = first; cpu < std::min(times.total.size(), first + args.ncpus); ++cpu) {
      AddParam(params, "cpu_time", times.total[cpu]);
      if (args.nparams > 1) AddParam(params, "vcpu_time", times.vcpus[cpu]);
    }
  }
  for (TypedParam& param : params) ret.params.push_back(std::move(param));
  ret.nparams = args.start_cpu == -1 ? static_cast<int32_t>(ret.params.size())
                                     : static_cast<int32_t>(std::min<unsigned>(args.nparams, 2));
  co_return ret;
}

}  // namespace bv::qemu
