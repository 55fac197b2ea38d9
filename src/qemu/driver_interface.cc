// Bandwidth limits of a guest's interfaces.

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

using model::BandwidthRate;
using model::InterfaceType;

struct RateRow {
  const char* name;
  bool in;
  std::uint64_t BandwidthRate::*field;
};
// In the order in which libvirt sends them.
constexpr RateRow kRates[] = {
    {"inbound.average", true, &BandwidthRate::average},   {"inbound.peak", true, &BandwidthRate::peak},
    {"inbound.burst", true, &BandwidthRate::burst},       {"inbound.floor", true, &BandwidthRate::floor},
    {"outbound.average", false, &BandwidthRate::average}, {"outbound.peak", false, &BandwidthRate::peak},
    {"outbound.burst", false, &BandwidthRate::burst},
};

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
    ret.nparams = static_cast<int>(std::size(kRates));
    co_return ret;
  }
  for (auto& row : kRates) {
    if (static_cast<int>(ret.params.size()) == args.nparams) break;
    auto* rate = !net.bandwidth ? nullptr : row.in ? &net.bandwidth->in : &net.bandwidth->out;
    auto value = rate && *rate ? (**rate).*row.field : 0;
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
  if (defs.live)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "the bandwidth of a running guest cannot be changed");
  auto& bandwidth = FindInterface(*defs.config, args.device).bandwidth;
  model::Bandwidth changed = bandwidth.value_or(model::Bandwidth());
  for (auto& param : args.params) {
    auto row = std::find_if(std::begin(kRates), std::end(kRates), [&](auto& r) { return param.field == r.name; });
    auto* value = std::get_if<std::uint32_t>(&param.value);
    if (row == std::end(kRates) || !value)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("parameter '{}' not supported", param.field));
    auto& rate = row->in ? changed.in : changed.out;
    if (!rate) rate.emplace();
    (*rate).*row->field = *value;
  }
  // An average of nothing is no limit at all.
  auto drop_if_unlimited = [](std::optional<BandwidthRate>& rate) {
    if (rate && !rate->average && !rate->floor) rate.reset();
  };
  drop_if_unlimited(changed.in);
  drop_if_unlimited(changed.out);
  bandwidth = changed.in || changed.out ? std::optional(changed) : std::nullopt;
  co_await SaveChanged(domain, impact);
}

}  // namespace bv::qemu
