#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/task.h"
#include "model/domain/interface.h"

namespace bv::qemu {

// The limits to an interface's traffic that are in force: of its place in the network where it has one.
const std::optional<model::Bandwidth>& LimitsOf(const model::Interface& net);
void SetLimits(model::Interface& net, const std::optional<model::Bandwidth>& limits);

// Has the host keep to these; its end of the interface must be there. Throws what tc answers.
Task<> ApplyLimits(const model::Interface& net, std::optional<model::Bandwidth> limits);

// Limits as they are called by clients, in the order in which libvirt lists them.
struct LimitField {
  const char* name;
  bool inbound;
  std::uint64_t model::BandwidthRate::*member;
};
inline constexpr LimitField kLimitFields[] = {
    {"inbound.average", true, &model::BandwidthRate::average},   {"inbound.peak", true, &model::BandwidthRate::peak},
    {"inbound.burst", true, &model::BandwidthRate::burst},       {"inbound.floor", true, &model::BandwidthRate::floor},
    {"outbound.average", false, &model::BandwidthRate::average}, {"outbound.peak", false, &model::BandwidthRate::peak},
    {"outbound.burst", false, &model::BandwidthRate::burst},
};

// A change of limits as a client gives it, by those names.
class LimitChange {
 public:
  // False for other names.
  bool Set(const std::string& name, std::uint64_t value);
  // What becomes of `limits`: a direction that is spoken of is replaced as a whole, and one without an average has no limit.
  std::optional<model::Bandwidth> ApplyTo(const std::optional<model::Bandwidth>& limits) const;

 private:
  std::optional<model::BandwidthRate> in_, out_;
};

// Throws kOperationUnsupported (domain kQemu) for limits that an interface of that kind cannot have while its guest runs.
void CheckLimits(const model::Interface& net, const std::optional<model::Bandwidth>& limits);

}  // namespace bv::qemu
