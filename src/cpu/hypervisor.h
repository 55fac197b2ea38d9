#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What an emulator says about CPUs under one accelerator. Filled in by src/qemu/capabilities from
// query-cpu-definitions and query-cpu-model-expansion; all names are libvirt's spelling of a feature
// (qemu/cpu_features.h translates).
namespace bv::cpu {

enum class Usable : std::uint8_t { kUnknown, kYes, kNo };

struct HypervisorModel {
  std::string name;
  std::string type_name;  // "max-x86_64-cpu"
  Usable usable = Usable::kUnknown;
  std::vector<std::string> blockers;  // features that this host cannot give, which usable=kNo is for
  bool deprecated = false;
};

using HypervisorModels = std::vector<HypervisorModel>;

inline const HypervisorModel* FindModel(const HypervisorModels& models, std::string_view name) {
  for (const HypervisorModel& model : models)
    if (model.name == name) return &model;
  return nullptr;
}

// A property of the fully expanded "host" (KVM) or "max" (TCG) model.
struct HypervisorProperty {
  std::string name;
  std::variant<bool, std::int64_t, std::string> value;
  // Was it there when only migratable features were asked for?
  bool migratable = true;
};

struct HypervisorHost {
  std::string model;
  bool migratability = false;  // do the properties say what is migratable?
  std::vector<HypervisorProperty> properties;
};

struct HypervisorCpus {
  HypervisorModels models;
  std::optional<HypervisorHost> host;
};

}  // namespace bv::cpu
