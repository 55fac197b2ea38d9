// Events that are counted of a guest's process.

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/driver.h"
#include "qemu/perf_counters.h"

namespace bv::qemu {

Task<remote::DomainGetPerfEventsRet> QemuDriver::DomainGetPerfEvents(Call&, remote::DomainGetPerfEventsArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetPerfEvents");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  const bool live = domain->active() && &def == &domain->def();
  remote::DomainGetPerfEventsRet ret;
  for (std::size_t i = 0; i < model::kPerfEvents; ++i) {
    auto event = static_cast<model::PerfEvent>(i);
    const bool counted = live ? PerfCounters::Of(domain->uuid()).Counts(event) : def.perf[i] == model::YesNo::kYes;
    ret.params.push_back({std::string(ToString(event)), counted});
  }
  co_return ret;
}

Task<> QemuDriver::DomainSetPerfEvents(Call&, remote::DomainSetPerfEventsArgs args) {
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig, "qemuDomainSetPerfEvents");
  std::vector<std::pair<model::PerfEvent, bool>> wanted;
  for (auto& param : args.params) {
    auto event = model::FromString<model::PerfEvent>(param.field);
    auto* on = std::get_if<bool>(&param.value);
    if (!event || !on) throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("parameter '{}' not supported", param.field));
    wanted.emplace_back(*event, *on);
  }
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetPerfEvents");
  auto impact = ResolveImpact(*domain, args.flags);
  if (impact.live) {
    auto* guest = domain->guest.get();
    for (auto& [event, on] : wanted) {
      if (on) co_await PerfCounters::Enable(domain->uuid(), event, guest->pid);
      if (domain->guest.get() != guest) {
        PerfCounters::Drop(domain->uuid());
        throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
      }
      if (!on) PerfCounters::Of(domain->uuid()).Disable(event);
      domain->MutableDef().perf[static_cast<std::size_t>(event)] = model::ToYesNo(on);
    }
    domain->DefChanged();
    co_await guests_->StoreStatus(domain);
  }
  if (!impact.config) co_return;
  auto& config = *DefsFor(*domain, impact).config;
  for (auto& [event, on] : wanted) config.perf[static_cast<std::size_t>(event)] = model::ToYesNo(on);
  co_await SaveChanged(domain, {.live = false, .config = true});
}

}  // namespace bv::qemu
