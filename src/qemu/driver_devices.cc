// Devices that come and go: of definitions, of running guests, or both.

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/order.h"
#include "qemu/defaults/validate.h"
#include "qemu/device_change.h"
#include "qemu/driver.h"
#include "qemu/live_devices.h"

namespace bv::qemu {
namespace {

// The older calls, which know running guests alone, in the words of the newer ones.
template <typename WithFlags, typename Args>
WithFlags OfRunning(Args args) {
  WithFlags with_flags;
  with_flags.dom = std::move(args.dom);
  with_flags.xml = std::move(args.xml);
  with_flags.flags = remote::kAffectLive;
  return with_flags;
}

}  // namespace

Task<std::unique_ptr<model::DomainDef>> QemuDriver::ChangedConfig(DomainPtr domain,
                                                                  const std::function<void(model::DomainDef&)>& change) {
  auto def = Copy(*domain->config());
  auto caps = co_await CapsOf(*def);
  change(*def);
  PostParse(*def, *caps, *config_, {.new_domain = false});
  model::CompleteDomain(*def, model::kParseInactive);
  model::CheckDomain(*def);
  ValidateDomain(*def, *caps, *config_);
  co_return def;
}

Task<> QemuDriver::DomainAttachDevice(Call& call, remote::DomainAttachDeviceArgs args) {
  auto with_flags = OfRunning<remote::DomainAttachDeviceFlagsArgs>(std::move(args));
  co_await DomainAttachDeviceFlags(call, std::move(with_flags));
}

Task<> QemuDriver::DomainAttachDeviceFlags(Call&, remote::DomainAttachDeviceFlagsArgs args) {
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig, "qemuDomainAttachDeviceLiveAndConfig");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainAttachDeviceFlags");
  auto impact = ResolveImpact(*domain, args.flags);
  std::unique_ptr<model::DomainDef> changed;
  if (impact.config) {
    auto device = ParseDevice(args.xml, domain->def());
    changed = co_await ChangedConfig(domain, [&](auto& def) { AttachToConfig(def, std::move(device)); });
  }
  if (impact.live) {
    auto device = ParseDevice(args.xml, domain->def());
    // An address that is made up is the same for both.
    if (changed && !device.interfaces.empty() && !device.interfaces[0]->mac) device.interfaces[0]->mac = changed->interfaces.back()->mac;
    co_await live_devices_->Attach(domain, std::move(device));
  }
  if (changed) domain->SetConfig(std::move(changed));
  co_await SaveChanged(domain, {.live = false, .config = impact.config});
}

Task<> QemuDriver::DomainDetachDevice(Call& call, remote::DomainDetachDeviceArgs args) {
  auto with_flags = OfRunning<remote::DomainDetachDeviceFlagsArgs>(std::move(args));
  co_await DomainDetachDeviceFlags(call, std::move(with_flags));
}

Task<> QemuDriver::DomainDetachDeviceFlags(Call&, remote::DomainDetachDeviceFlagsArgs args) {
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig, "qemuDomainDetachDeviceLiveAndConfig");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainDetachDeviceFlags");
  auto impact = ResolveImpact(*domain, args.flags);
  std::unique_ptr<model::DomainDef> changed;
  if (impact.config) {
    auto device = ParseDevice(args.xml, domain->def());
    changed = co_await ChangedConfig(domain, [&](auto& def) { DetachFromConfig(def, std::move(device)); });
  }
  if (impact.live) co_await live_devices_->Detach(domain, ParseDevice(args.xml, domain->def()));
  if (changed) domain->SetConfig(std::move(changed));
  co_await SaveChanged(domain, {.live = false, .config = impact.config});
}

Task<> QemuDriver::DomainDetachDeviceAlias(Call&, remote::DomainDetachDeviceAliasArgs args) {
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig, "qemuDomainDetachDeviceAlias");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainDetachDeviceAlias");
  auto impact = ResolveImpact(*domain, args.flags);
  std::unique_ptr<model::DomainDef> changed;
  if (impact.config) {
    auto device = DeviceByAlias(*domain->config(), args.alias);
    changed = co_await ChangedConfig(domain, [&](auto& def) { DetachFromConfig(def, std::move(device)); });
  }
  if (impact.live) co_await live_devices_->DetachAlias(domain, args.alias);
  if (changed) domain->SetConfig(std::move(changed));
  co_await SaveChanged(domain, {.live = false, .config = impact.config});
}

Task<> QemuDriver::DomainUpdateDeviceFlags(Call&, remote::DomainUpdateDeviceFlagsArgs args) {
  constexpr unsigned kForce = 4;
  CheckFlags(args.flags, remote::kAffectLive | remote::kAffectConfig | kForce, "qemuDomainUpdateDeviceFlags");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainUpdateDeviceFlags");
  auto impact = ResolveImpact(*domain, args.flags & ~kForce);
  std::unique_ptr<model::DomainDef> changed;
  if (impact.config) {
    auto device = ParseDevice(args.xml, domain->def());
    changed = co_await ChangedConfig(domain, [&](auto& def) { UpdateInConfig(def, std::move(device)); });
  }
  if (impact.live) co_await live_devices_->Update(domain, ParseDevice(args.xml, domain->def()), args.flags & kForce);
  if (changed) domain->SetConfig(std::move(changed));
  co_await SaveChanged(domain, {.live = false, .config = impact.config});
}

}  // namespace bv::qemu
