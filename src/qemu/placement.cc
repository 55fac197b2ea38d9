#include "qemu/placement.h"

#include <fmt/core.h>

#include <algorithm>

namespace bv::qemu {
namespace {

using model::Seclabel;
using model::SeclabelType;

// The label of the "dac" model; made where the definition has none and does not opt out of labels.
Seclabel* OwnershipLabel(model::DomainDef& live) {
  for (auto& label : live.seclabels) {
    if (label.model == "dac") return &label;
    if (label.model.empty() && label.type == SeclabelType::kNone) return nullptr;
  }
  auto& added = live.seclabels.emplace_back();
  added.model = "dac";
  return &added;
}

}  // namespace

void DescribePlacement(model::DomainDef& live, const QemuConfig& config, bool has_cgroup) {
  if (has_cgroup && live.resource.partition.empty()) live.resource.partition = "/machine";
  if (!config.privileged) return;
  auto* label = OwnershipLabel(live);
  if (!label || label->type != SeclabelType::kDynamic) return;
  label->relabel = model::YesNo::kYes;
  label->label = fmt::format("+{}:+{}", config.uid, config.gid);
  if (config.dynamic_ownership) label->imagelabel = label->label;
}

}  // namespace bv::qemu
