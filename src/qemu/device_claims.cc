#include "qemu/device_claims.h"

#include "base/error.h"

namespace bv::qemu {

namespace {

// Those that can be shared have other words of their own.
[[noreturn]] void Refuse(const std::string& device, const std::string& domain, bool scsi, bool shareable) {
  std::string text = scsi ? " is already in use by other domain(s) as '" + std::string(shareable ? "shareable" : "non-shareable") + "'"
                          : " is in use by driver QEMU, domain " + domain;
  throw Error(ErrorDomain::kNone, ErrorCode::kOperationInvalid, device + text);
}

}  // namespace

DeviceClaims& DeviceClaims::Get() {
  static DeviceClaims claims;
  return claims;
}

void DeviceClaims::Check(const AssignedDevice& device, const Uuid* guest) const {
  auto check = [&](const std::string& name, const Uuid* guest) {
    auto [from, to] = held_.equal_range(name);
    for (auto it = from; it != to; ++it) {
      bool own = guest && it->second.owner.guest == *guest;
      if (own || (device.shareable && it->second.shareable)) continue;
      Refuse(name, it->second.owner.name, name.starts_with("SCSI"), it->second.shareable);
    }
  };
  // What a guest has it cannot get once more, but what goes with that.
  check(device.name, nullptr);
  for (auto& name : device.group) {
    if (name != device.name) check(name, guest);
  }
}

void DeviceClaims::Claim(const std::vector<AssignedDevice>& devices, const Owner& owner) {
  for (auto& device : devices) Check(device, &owner.guest);
  for (auto& device : devices) held_.emplace(device.name, Held{owner, device.shareable});
}

void DeviceClaims::Release(const std::vector<AssignedDevice>& devices, const Uuid& guest) {
  for (auto& device : devices) {
    auto [from, to] = held_.equal_range(device.name);
    for (auto it = from; it != to; ++it) {
      if (it->second.owner.guest != guest) continue;
      held_.erase(it);
      break;
    }
  }
}

bool DeviceClaims::Has(const AssignedDevice& device, const Uuid& guest) const {
  auto [from, to] = held_.equal_range(device.name);
  for (auto it = from; it != to; ++it) {
    if (it->second.owner.guest == guest) return true;
  }
  return false;
}

void DeviceClaims::CheckFree(const AssignedDevice& device) const { Check(device, nullptr); }

}  // namespace bv::qemu
