#include "qemu/cpu_live.h"

#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"
#include "qemu/cpu_features.h"

namespace bv::qemu {
namespace {

using cpu::FeatureSet;
using cpu::x86::Feature;
using cpu::x86::Features;
using cpu::x86::Register;

constexpr std::string_view kArch = "x86_64";  // features are spelled alike for i686

bool IsNamed(Register reg, const std::string& name) {
  static constexpr std::string_view kNames[] = {"EAX", "EBX", "ECX", "EDX"};
  return kNames[static_cast<int>(reg)] == name;
}

// The CPUID bits of one element of "feature-words".
void AddWord(FeatureSet& set, const Json& word) {
  std::uint64_t function = word.GetUint("cpuid-input-eax"), bits = word.GetUint("features");
  std::uint64_t subleaf = word["cpuid-input-ecx"].AsUint().value_or(0);
  std::string reg = word.GetString("cpuid-register");
  for (std::size_t i = 0; i < Features().size(); i++) {
    const Feature& feature = Features()[i];
    bool here = !feature.msr && feature.function == function && feature.subleaf == subleaf && IsNamed(feature.reg, reg);
    if (here && (bits >> feature.bit & 1)) set.Add(i);
  }
}

// The words leave the MSRs out: those features are asked for by name.
std::vector<std::size_t> MsrFeatures() {
  std::vector<std::size_t> indexes;
  for (std::size_t i = 0; i < Features().size(); i++)
    if (Features()[i].msr) indexes.push_back(i);
  return indexes;
}

MonitorCommand Get(const std::string& path, std::string_view property) {
  Json arguments = Json::Object({{"path", path}, {"property", property}});
  return {.name = "qom-get", .arguments = std::move(arguments)};
}

}  // namespace

std::vector<MonitorCommand> LiveCpuQueries(const std::string& path) {
  std::vector<MonitorCommand> commands;
  commands.push_back(Get(path, "feature-words"));
  commands.push_back(Get(path, "unavailable-features"));
  for (std::size_t i : MsrFeatures()) commands.push_back(Get(path, FeatureToQemu(kArch, Features()[i].Text())));
  return commands;
}

void UpdateFromLiveCpu(model::CpuDef& cpu, const std::vector<MonitorReply>& replies) {
  if (cpu.mode != model::CpuMode::kCustom || cpu.model.empty()) return;
  std::vector<std::size_t> msr = MsrFeatures();
  if (replies.size() != msr.size() + 2 || replies[0].error) return;

  FeatureSet enabled, disabled;
  for (const Json& word : replies[0].value.elements()) AddWord(enabled, word);
  for (std::size_t i = 0; i < msr.size(); i++)
    if (replies[i + 2].value.AsBool().value_or(false)) enabled.Add(msr[i]);
  if (!replies[1].error)
    for (const Json& name : replies[1].value.elements())
      if (auto index = cpu::x86::FindFeature(FeatureFromQemu(kArch, name.AsString().value_or("")))) disabled.Add(*index);

  cpu::x86::UpdateLive(cpu, enabled, disabled);
  cpu.check = model::CpuCheck::kFull;
}

}  // namespace bv::qemu
