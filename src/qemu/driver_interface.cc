// Bandwidth limits of a guest's interfaces.

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/driver.h"
#include "qemu/net_limits.h"

namespace bv::qemu {
namespace {

using model::InterfaceType;

// By the name of its host side or by its hardware address.
template <typename Def>
auto& FindInterface(Def& def, const std::string& device) {
  auto mac = model::MacAddress::Parse(device);
  for (auto& net : def.interfaces) {
    if (mac ? net->mac && *net->mac == *mac : !device.empty() && net->target.dev == device) return *net;
  }
  throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, fmt::format("'{}' is not a known interface", device));
}

}  // namespace

Task<remote::DomainGetInterfaceParametersRet> QemuDriver::DomainGetInterfaceParameters(
    Call&, remote::DomainGetInterfaceParametersArgs args) {
  constexpr unsigned kStringOkay = 4;
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig | kStringOkay, "qemuDomainGetInterfaceParameters");
  auto domain = co_await Get(args.dom);
  auto& net = FindInterface(DefFor(*domain, args.flags & ~kStringOkay), args.device);
  remote::DomainGetInterfaceParametersRet ret;
  if (args.nparams == 0) {
    ret.nparams = static_cast<int>(std::size(kLimitFields));
    co_return ret;
  }
  auto& limits = LimitsOf(net);
  for (auto& row : kLimitFields) {
    if (static_cast<int>(ret.params.size()) == args.nparams) break;
    auto* rate = !limits ? nullptr : row.inbound ? &limits->in : &limits->out;
    auto value = rate && *rate ? (**rate).*row.member : 0;
    ret.params.push_back({row.name, static_cast<std::uint32_t>(value)});
  }
  co_return ret;
}

Task<> QemuDriver::DomainSetInterfaceParameters(Call&, remote::DomainSetInterfaceParametersArgs args) {
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig, "qemuDomainSetInterfaceParameters");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetInterfaceParameters");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (!def) continue;
    auto type = FindInterface(*def, args.device).type;
    // The others have no device on the host that could be slowed down.
    if (type != InterfaceType::kNetwork && type != InterfaceType::kBridge && type != InterfaceType::kEthernet &&
        type != InterfaceType::kDirect)
      throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                  fmt::format("setting bandwidth on interfaces of type '{}' is not implemented yet", model::ToString(type)));
  }
  LimitChange change;
  for (auto& param : args.params) {
    auto* value = std::get_if<std::uint32_t>(&param.value);
    if (!value || !change.Set(param.field, *value))
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("parameter '{}' not supported", param.field));
  }
  if (defs.live) {
    auto* guest = domain->guest.get();
    auto& net = FindInterface(*defs.live, args.device);
    auto limits = change.ApplyTo(LimitsOf(net));
    CheckLimits(net, limits);
    co_await ApplyLimits(net, limits);
    if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
    SetLimits(FindInterface(domain->MutableDef(), args.device), limits);
    domain->DefChanged();
    co_await guests_->StoreStatus(domain);
  }
  if (!impact.config) co_return;
  auto& net = FindInterface(*DefsFor(*domain, impact).config, args.device);
  net.bandwidth = change.ApplyTo(net.bandwidth);
  co_await SaveChanged(domain, {.live = false, .config = true});
}

}  // namespace bv::qemu
