// Interfaces of running guests that change: what can be done to them where they are is done, and what would need another
// back end or another device is refused.

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/log.h"
#include "host/net_link.h"
#include "qemu/command_line/arguments.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/device_defaults.h"
#include "qemu/defaults/validate.h"
#include "qemu/live_devices.h"
#include "qemu/net_filters.h"
#include "qemu/net_limits.h"
#include "qemu/net_rules.h"
#include "qemu/network_ports.h"

namespace bv::qemu {

using namespace model;

namespace {

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

Interface& ConnectionOf(Interface& net) { return net.actual ? net.actual->connection : net; }
const Interface& ConnectionOf(const Interface& net) { return net.actual ? net.actual->connection : net; }

auto Fields(const NetOffloads& o) { return std::tie(o.csum, o.gso, o.tso4, o.tso6, o.ecn, o.ufo, o.mrg_rxbuf); }
bool Same(const NetDriver& a, const NetDriver& b) {
  auto fields = [](const NetDriver& d) {
    return std::tuple_cat(std::tie(d.name, d.txmode, d.ioeventfd, d.event_idx, d.queues, d.rx_queue_size, d.tx_queue_size, d.rss,
                                   d.rss_hash_report),
                          Fields(d.host), Fields(d.guest));
  };
  return fields(a) == fields(b);
}
bool Same(const std::optional<VirtualPort>& a, const std::optional<VirtualPort>& b) {
  auto fields = [](const VirtualPort& p) {
    return std::tie(p.type, p.manager_id, p.type_id, p.type_id_version, p.instance_id, p.interface_id, p.profile_id);
  };
  return a.has_value() == b.has_value() && (!a || fields(*a) == fields(*b));
}
bool Same(const std::optional<Vlan>& a, const std::optional<Vlan>& b) {
  auto same_tag = [](const VlanTag& x, const VlanTag& y) { return x.id == y.id && x.native_mode == y.native_mode; };
  return a.has_value() == b.has_value() && (!a || (a->trunk == b->trunk && std::ranges::equal(a->tags, b->tags, same_tag)));
}
bool Same(const std::optional<FilterRef>& a, const std::optional<FilterRef>& b) {
  auto same = [](const FilterParameter& x, const FilterParameter& y) { return x.name == y.name && x.value == y.value; };
  return a.has_value() == b.has_value() && (!a || (a->filter == b->filter && std::ranges::equal(a->parameters, b->parameters, same)));
}
bool Same(const std::optional<Bandwidth>& a, const std::optional<Bandwidth>& b) {
  auto fields = [](const std::optional<BandwidthRate>& rate) {
    BandwidthRate r = rate.value_or(BandwidthRate());
    return std::tuple(r.average, r.peak, r.floor, r.burst);
  };
  Bandwidth none;
  const Bandwidth &x = a ? *a : none, &y = b ? *b : none;
  return fields(x.in) == fields(y.in) && fields(x.out) == fields(y.out);
}

// What belongs to the device that the guest sees.
void CheckFixed(const Interface& there, const Interface& wanted) {
  auto fixed = [](bool same, const char* what) {
    if (!same) Fail(ErrorCode::kOperationUnsupported, "cannot modify {}", what);
  };
  if (wanted.model != there.model)
    Fail(ErrorCode::kOperationUnsupported, "cannot modify network device model from {} to {}", there.model, wanted.model);
  fixed(!there.model.starts_with("virtio") || Same(there.driver, wanted.driver), "virtio network device driver attributes");
  fixed(wanted.script == there.script, "network device script attribute");
  fixed(wanted.target.dev.empty() || wanted.target.dev == there.target.dev, "network device tap name");
  fixed(wanted.info.boot_order == there.info.boot_order, "network device boot index setting");
  fixed(wanted.info.rom.bar == there.info.rom.bar, "network device rom bar setting");
  fixed(wanted.info.rom.file == there.info.rom.file, "network rom file");
  fixed(wanted.info.rom.enabled == there.info.rom.enabled, "network device rom enabled setting");
  fixed(wanted.mtu == there.mtu, "MTU");
}

// Whether it is the same back end, but for the bridge that a tap is in.
bool SameBackEnd(const Interface& there, const Interface& wanted) {
  const Interface &from = ConnectionOf(there), &to = ConnectionOf(wanted);
  auto bridged = [](const Interface& net) { return net.type == InterfaceType::kNetwork || net.type == InterfaceType::kBridge; };
  if (!Same(from.virtual_port, to.virtual_port) || !Same(from.vlan, to.vlan) || there.sndbuf != wanted.sndbuf) return false;
  if (bridged(from) && bridged(to)) return true;
  if (from.type != to.type) return false;
  switch (to.type) {
    case InterfaceType::kUser:
    case InterfaceType::kEthernet:
      return true;
    case InterfaceType::kServer:
    case InterfaceType::kClient:
    case InterfaceType::kMcast:
    case InterfaceType::kUdp:
      return from.address == to.address && from.port == to.port;
    case InterfaceType::kInternal:
      return from.internal_name == to.internal_name;
    case InterfaceType::kDirect:
      return from.source_dev == to.source_dev && from.direct_mode == to.direct_mode;
    default:
      return false;
  }
}

// In a network that it is in already it has its place; what a client may say about that is said anew.
bool KeepsItsPlace(const Interface& there, const Interface& wanted) {
  return there.actual && wanted.type == InterfaceType::kNetwork && there.network == wanted.network && there.portgroup == wanted.portgroup;
}
void KeepPlace(const Interface& there, Interface& wanted) {
  wanted.actual = std::make_shared<ActualInterface>();
  Interface& connection = wanted.actual->connection;
  const Interface& old = there.actual->connection;
  connection.type = old.type;
  connection.bridge = old.bridge;
  connection.source_dev = old.source_dev;
  connection.direct_mode = old.direct_mode;
  connection.virtual_port = old.virtual_port;
  connection.vlan = old.vlan;
  connection.bandwidth = wanted.bandwidth;
  connection.isolated = wanted.isolated;
  wanted.port_id = there.port_id;
}

// Out of one bridge and into another; back where that fails. Blocks.
void ChangeBridge(const std::string& tap, const std::string& from, const std::string& to, bool isolated) {
  try {
    host::NetLink(from).RemovePort(tap);
  } catch (const Error& error) {
    LogWarn("qemu.qemu_hotplug", "'{}' was not in '{}' any more: {}", tap, from, error.message);
  }
  try {
    host::NetLink(to).AddPort(tap);
  } catch (const Error&) {
    if (host::NetLink::Exists(from)) host::NetLink(from).AddPort(tap);
    throw;
  }
  if (isolated) host::NetLink(tap).IsolatePort();
}

}  // namespace

// As a device of the guest's that has this definition from its start: complete, and nothing that is refused there.
void LiveDevices::CompleteUpdate(const Domain& domain, const Interface& there, std::unique_ptr<Interface>& wanted) {
  if (wanted->info.acpi_index != there.info.acpi_index)
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationDenied, "changing device 'acpi index' is not allowed");
  wanted->info.alias = there.info.alias;
  if (wanted->info.address.type == AddressType::kNone) wanted->info.address = there.info.address;
  if (wanted->model.empty()) wanted->model = there.model;
  if (!wanted->mac || wanted->mac_generated) wanted->mac = there.mac;
  auto whole = std::make_unique<DomainDef>(ParseDomain(FormatDomain(domain.def(), kFormatStatus | kFormatSecure), kParseStatus | kParseSkipChecks));
  auto place = std::ranges::find(whole->interfaces, there.info.alias, [](auto& net) { return net->info.alias; });
  if (place == whole->interfaces.end()) return;
  std::swap(*place, wanted);
  try {
    PostParse(*whole, *domain.guest->caps, *config_, {.new_domain = false});
    CompleteDomain(*whole, 0);
    CheckDomain(*whole);
    ValidateDomain(*whole, *domain.guest->caps, *config_);
  } catch (const Error&) {
    std::swap(*place, wanted);
    throw;
  }
  std::swap(*place, wanted);
}

Task<> LiveDevices::UpdateInterface(DomainPtr domain, Interface& there, std::unique_ptr<Interface> wanted) {
  if (ConnectionOf(there).type == InterfaceType::kHostdev)
    Fail(ErrorCode::kOperationUnsupported, "cannot change config of '{}' network type", ToString(InterfaceType::kHostdev));
  auto* guest = domain->guest.get();
  CompleteUpdate(*domain, there, wanted);
  CheckFixed(there, *wanted);
  std::vector<NetworkPort> claimed;
  if (KeepsItsPlace(there, *wanted)) {
    KeepPlace(there, *wanted);
  } else if (wanted->type == InterfaceType::kNetwork) {
    std::string name = domain->name();
    co_await ClaimNetworkPort(name, domain->uuid(), *wanted);
    claimed.push_back({wanted->network, *wanted->port_id});
    CheckRunning(domain, guest);
  }
  std::exception_ptr failure;
  bool moved = false;
  try {
    co_await CheckConnection(*wanted);
    CheckRunning(domain, guest);
    if (!SameBackEnd(there, *wanted))
      Fail(ErrorCode::kOperationUnsupported, "unable to change config on '{}' network type", ToString(ConnectionOf(*wanted).type));
    co_await ChangeInterface(domain, there, *wanted, &moved);
  } catch (...) {
    failure = std::current_exception();
  }
  // The place that it has left, or did not get into.
  std::vector<NetworkPort> left = std::move(claimed);
  if (moved && domain->guest.get() == guest) {
    left.clear();
    if (there.actual && there.port_id && !KeepsItsPlace(there, *wanted)) left.push_back({there.network, *there.port_id});
    there.type = wanted->type;
    there.bridge = wanted->bridge;
    there.network = wanted->network;
    there.portgroup = wanted->portgroup;
    there.port_id = wanted->port_id;
    there.actual = wanted->actual;
  }
  co_await ReleaseNetworkPorts(std::move(left));
  if (failure) std::rethrow_exception(failure);
}

void LiveDevices::CheckRunning(const DomainPtr& domain, const Guest* guest) {
  if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
}

Task<> LiveDevices::ChangeFilter(DomainPtr domain, Interface& there, const std::optional<FilterRef>& wanted) {
  auto type = ConnectionOf(there).type;
  if (type != InterfaceType::kEthernet && type != InterfaceType::kNetwork && type != InterfaceType::kBridge)
    Fail(ErrorCode::kConfigUnsupported, "filters not supported on interfaces of type {}", ToString(type));
  auto* guest = domain->guest.get();
  auto before = there.filter;
  std::string owner = domain->name();
  if (!wanted) {
    std::vector<std::string> lifted = {there.target.dev};
    co_await UnbindFilters(std::move(lifted));
    CheckRunning(domain, guest);
    there.filter.reset();
    co_return;
  }
  there.filter = wanted;
  std::exception_ptr failure;
  try {
    co_await BindFilter(owner, domain->uuid(), there);
  } catch (const Error&) {
    failure = std::current_exception();
  }
  CheckRunning(domain, guest);
  if (!failure) co_return;
  there.filter = before;
  try {
    co_await BindFilter(owner, domain->uuid(), there);
  } catch (const Error& error) {
    LogError("qemu.qemu_hotplug", "the filter of '{}' is not in force any more: {}", owner, error.message);
  }
  CheckRunning(domain, guest);
  Fail(ErrorCode::kOperationFailed, "failed to add new filter rules to '{}' - attempting to restore old rules", there.target.dev);
}

Task<> LiveDevices::ChangeInterface(DomainPtr domain, Interface& there, Interface& wanted, bool* moved) {
  auto* guest = domain->guest.get();
  std::string tap = there.target.dev, alias = there.info.alias;
  if (auto& limits = LimitsOf(wanted); !Same(LimitsOf(there), limits)) {
    CheckLimits(wanted, limits);
    co_await ApplyLimits(there, limits);
    CheckRunning(domain, guest);
    SetLimits(there, limits);
  }
  std::string from = ConnectionOf(there).bridge, to = ConnectionOf(wanted).bridge;
  bool isolated = ConnectionOf(wanted).isolated == YesNo::kYes;
  if (from != to) {
    auto change = [=] {
      if (!host::NetLink::Exists(to)) Fail(ErrorCode::kOperationFailed, "bridge {} doesn't exist", to);
      ChangeBridge(tap, from, to, isolated);
    };
    co_await Offload(std::move(change));
    CheckRunning(domain, guest);
    *moved = true;
  } else if (isolated != (ConnectionOf(there).isolated == YesNo::kYes)) {
    auto isolate = [=] { host::NetLink(tap).IsolatePort(isolated); };
    co_await Offload(std::move(isolate));
    CheckRunning(domain, guest);
  }
  ConnectionOf(there).isolated = ConnectionOf(wanted).isolated;
  if (!Same(there.filter, wanted.filter)) {
    co_await ChangeFilter(domain, there, wanted.filter);
    CheckRunning(domain, guest);
  }
  if (there.coalesce_rx_frames_max != wanted.coalesce_rx_frames_max) {
    auto set = [tap, frames = wanted.coalesce_rx_frames_max.value_or(0)] { host::NetLink(tap).SetCoalescedFrames(frames); };
    co_await Offload(std::move(set));
    CheckRunning(domain, guest);
    there.coalesce_rx_frames_max = wanted.coalesce_rx_frames_max;
    there.coalesce_given = wanted.coalesce_given;
  }
  if (there.link != wanted.link) {
    co_await guests_->MonitorOf(domain).Execute("set_link", Props().Add("name", alias).Add("up", wanted.link != LinkState::kDown).json());
    CheckRunning(domain, guest);
    there.link = wanted.link;
  }
}

}  // namespace bv::qemu
