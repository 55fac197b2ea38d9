#include "qemu/net_limits.h"

#include <fmt/core.h>

#include "base/error.h"
#include "host/bandwidth.h"

namespace bv::qemu {

using model::Bandwidth;
using model::BandwidthRate;
using model::Interface;
using model::InterfaceType;

namespace {

using Limit = std::optional<BandwidthRate>;

void Replace(Limit& limit, const Limit& wanted) {
  if (!wanted) return;
  limit = wanted->average || wanted->floor ? wanted : std::nullopt;
}

}  // namespace

const std::optional<Bandwidth>& LimitsOf(const Interface& net) { return net.actual ? net.actual->connection.bandwidth : net.bandwidth; }

void SetLimits(Interface& net, const std::optional<Bandwidth>& limits) {
  (net.actual ? net.actual->connection : net).bandwidth = limits;
}

Task<> ApplyLimits(const Interface& net, std::optional<Bandwidth> limits) {
  std::string name = net.target.dev;
  if (name.empty()) co_return;
  auto type = (net.actual ? net.actual->connection : net).type;
  auto end = type == InterfaceType::kDirect ? host::HostEnd::kIsGuest : host::HostEnd::kFacesGuest;
  co_await host::ShapeInterface(name, limits.value_or(Bandwidth()), end);
}

bool LimitChange::Set(const std::string& name, std::uint64_t value) {
  for (auto& field : kLimitFields) {
    if (name != field.name) continue;
    Limit& limit = field.inbound ? in_ : out_;
    if (!limit) limit.emplace();
    (*limit).*field.member = value;
    return true;
  }
  return false;
}

std::optional<Bandwidth> LimitChange::ApplyTo(const std::optional<Bandwidth>& limits) const {
  Bandwidth changed = limits.value_or(Bandwidth());
  Replace(changed.in, in_);
  Replace(changed.out, out_);
  if (!changed.in && !changed.out) return std::nullopt;
  return changed;
}

void CheckLimits(const Interface& net, const std::optional<Bandwidth>& limits) {
  if (!limits || !limits->in || !limits->in->floor) return;
  // Which networks can guarantee anything is theirs to say.
  if (net.actual && net.actual->connection.type == InterfaceType::kNetwork) return;
  char mac[18] = "";
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
              fmt::format("Invalid use of 'floor' on interface with MAC address {} - 'floor' is only supported for interface type "
                          "'network' with forward type 'nat', 'route', 'open' or none",
                          net.mac ? net.mac->FormatTo(mac) : std::string_view()));
}

}  // namespace bv::qemu
