#pragma once

#include <string_view>
#include <vector>

namespace bv::cpu {

// A CPU model that an emulator offers, in libvirt's spelling of names. Views are the owner's of what the
// list was made from (qemu/cpu_models.h).
struct HypervisorModel {
  std::string_view name;
  std::vector<std::string_view> blockers;  // features of its model that this host cannot give
};
using HypervisorModels = std::vector<HypervisorModel>;

inline const HypervisorModel* FindModel(const HypervisorModels& models, std::string_view name) {
  for (const HypervisorModel& model : models)
    if (model.name == name) return &model;
  return nullptr;
}

}  // namespace bv::cpu
