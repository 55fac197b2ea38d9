#include "qemu/vcpu_slots.h"

#include <algorithm>
#include <array>

namespace bv::qemu {
namespace {

using model::YesNo;

std::array<std::int64_t, 5> Place(const VcpuSlot& slot) {
  auto at = [&](const char* key) { return slot.plug[key].AsInt().value_or(0); };
  return {at("node-id"), at("socket-id"), at("die-id"), at("core-id"), at("thread-id")};
}

}  // namespace

std::vector<VcpuSlot> ReadVcpuSlots(const Json& answer) {
  std::vector<VcpuSlot> slots;
  for (auto& entry : answer.elements()) {
    VcpuSlot slot;
    slot.plug = entry["props"];
    slot.plug.Set("driver", entry["type"]);
    slot.qom_path = entry["qom-path"].AsString().value_or("");
    slots.push_back(std::move(slot));
  }
  std::ranges::sort(slots, {}, &Place);
  return slots;
}

std::vector<unsigned> VcpusToPlugAtStart(const model::VcpuSettings& settings) {
  std::vector<unsigned> ids;
  for (unsigned id = 0; id < settings.vcpus.size(); ++id) {
    auto& vcpu = settings.vcpus[id];
    if (vcpu.enabled == YesNo::kYes && vcpu.hotpluggable == YesNo::kYes) ids.push_back(id);
  }
  std::ranges::stable_sort(ids, {}, [&](unsigned id) { return settings.vcpus[id].order; });
  return ids;
}

void NumberVcpus(model::VcpuSettings& settings) {
  unsigned order = 0;
  auto plugged = VcpusToPlugAtStart(settings);
  for (auto& vcpu : settings.vcpus) {
    if (vcpu.enabled == YesNo::kYes && vcpu.hotpluggable != YesNo::kYes) vcpu.order = ++order;
  }
  for (auto id : plugged) settings.vcpus[id].order = ++order;
}

}  // namespace bv::qemu
