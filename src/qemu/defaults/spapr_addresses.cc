#include "qemu/defaults/spapr_addresses.h"

#include <set>

namespace bv::qemu {

using namespace model;

namespace {

constexpr std::uint64_t kNet = 0x1000, kScsi = 0x2000, kNvram = 0x3000, kSerial = 0x30000000, kStep = 0x1000;

bool Asks(const DeviceInfo& info) { return info.address.type == AddressType::kSpaprVio; }

template <typename F>
void ForEachSpaprDevice(DomainDef& def, F f) {
  for (auto& d : def.interfaces) {
    if (d->model == "spapr-vlan" || Asks(d->info)) f(d->info, kNet);
  }
  for (auto& d : def.controllers) {
    bool spapr = d->type == ControllerType::kScsi && d->model == ControllerModel::kIbmvscsi;
    if (spapr || Asks(d->info)) f(d->info, kScsi);
  }
  for (auto& d : def.serials) {
    if (d->serial_target == SerialTarget::kSpaprVio || Asks(d->info)) f(d->info, kSerial);
  }
  if (def.nvram) f(def.nvram->info, kNvram);
}

}  // namespace

void AssignSpaprAddresses(DomainDef& def) {
  std::set<std::uint64_t> taken;
  ForEachSpaprDevice(def, [&](DeviceInfo& info, std::uint64_t) {
    if (info.address.type == AddressType::kSpaprVio && info.address.spapr_reg) taken.insert(*info.address.spapr_reg);
  });
  ForEachSpaprDevice(def, [&](DeviceInfo& info, std::uint64_t first) {
    bool open = info.address.type == AddressType::kNone ||
                (info.address.type == AddressType::kSpaprVio && !info.address.spapr_reg);
    if (!open) return;
    while (!taken.insert(first).second) first += kStep;
    info.address.type = AddressType::kSpaprVio;
    info.address.spapr_reg = first;
  });
}

}  // namespace bv::qemu
