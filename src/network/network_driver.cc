#include "network/network_driver.h"

#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/verbatim_error.h"
#include "host/net_link.h"
#include "network/network_hooks.h"
#include "network/validate.h"

namespace bv::network {

using namespace remote;

namespace {
constexpr char kSource[] = "network.bridge_driver";
}

void RefuseFlags(unsigned flags, unsigned known, const char* function) { RefuseOtherFlags(flags, known, ErrorDomain::kNetwork, function); }

NetworkDriver::NetworkDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "network", ErrorDomain::kNetwork, &events_), paths_(environment), on_idle_(environment.on_idle), starter_(paths_) {
  set_local(this);
}

NetworkDriver::~NetworkDriver() { set_local(nullptr); }

Task<> NetworkDriver::Start() {
  LookForNetworkHooks();
  // Nobody is served yet: what blocks here delays only ourselves.
  LockState(paths_.state_dir, 0755);
  MakeDirs(paths_.dnsmasq_dir);
  LoadAll();
  for (const NetworkPtr& network : networks_.all()) {
    if (network->active()) co_await Refresh(network, true);
  }
  co_await AutostartAll();
}

void NetworkDriver::LoadAll() {
  for (NetworkStatus& status : ReadStatuses(paths_)) {
    const model::NetworkDef& def = status.def;
    // One whose bridge is gone, as after a boot, no longer runs.
    bool gone = def.has_own_bridge() && !host::NetLink::Exists(def.bridge.name);
    if (gone || networks_.FindName(def.name) || networks_.FindUuid(def.uuid)) {
      unlink(paths_.Status(def.name).c_str());
      continue;
    }
    auto network = std::make_shared<Network>();
    network->class_ids = std::move(status.class_ids);
    network->floor_sum = status.floor_sum;
    for (auto& port : ReadPorts(paths_, def.name)) {
      Uuid uuid = port.uuid;
      network->ports.emplace(uuid, std::move(port));
    }
    network->live = std::move(status.def);
    networks_.Add(std::move(network));
  }
  for (StoredNetwork& stored : ReadConfigs(paths_)) {
    try {
      NetworkPtr network = networks_.FindSame(stored.def, false);
      CompleteBridge(stored.def, networks_);
      if (!network) networks_.Add(network = std::make_shared<Network>());
      network->config = std::move(stored.def);
      network->autostart = stored.autostart;
    } catch (const Error& error) {
      LogError(kSource, "Failed to load network '{}': {}", stored.def.name, error.message);
    }
  }
}

Task<> NetworkDriver::Refresh(NetworkPtr network, bool dnsmasq) {
  model::NetworkDef def = *network->live;
  if (!def.has_own_bridge()) co_return;
  try {
    co_await starter_.RenewRules(def);
    bool running = true;
    if (dnsmasq) running = co_await starter_.dnsmasq().Running(def);
    if (running) co_await starter_.dnsmasq().ReloadHosts(def);
    else co_await starter_.dnsmasq().Start(def);
  } catch (const Error& error) {
    LogError(kSource, "network '{}': {}", def.name, error.message);
  }
}

// Once a boot: a file that is gone with the rest of /run says whether.
Task<> NetworkDriver::AutostartAll() {
  std::string marker = paths_.state_dir + "/autostarted";
  if (privileged()) {
    if (FileExists(marker)) co_return;
    WriteFileAtomic(marker, "");
  }
  auto all = networks_.all();
  for (const NetworkPtr& network : all) {
    if (!network->autostart || network->active()) continue;
    try {
      co_await StartNetwork(network);
    } catch (const Error& error) {
      LogError(kSource, "Failed to start network '{}': {}", network->name(), error.message);
    }
  }
}

// Definitions that appeared on disk, and rules that somebody else flushed.
Task<> NetworkDriver::Reload() {
  auto turn = co_await BeginChange();
  auto read = [paths = paths_] { return ReadConfigs(paths); };
  auto stored = co_await Offload(read);
  for (StoredNetwork& one : stored) {
    try {
      NetworkPtr network = networks_.FindSame(one.def, false);
      CompleteBridge(one.def, networks_);
      if (!network) networks_.Add(network = std::make_shared<Network>());
      network->config = std::move(one.def);
      network->autostart = one.autostart;
    } catch (const Error& error) {
      LogError(kSource, "Failed to load network '{}': {}", one.def.name, error.message);
    }
  }
  starter_.ForgetChains();
  auto all = networks_.all();
  for (const NetworkPtr& network : all) {
    if (network->active()) co_await Refresh(network, true);
  }
  for (const NetworkPtr& network : all) {
    if (!network->autostart || network->active()) continue;
    try {
      co_await StartNetwork(network);
    } catch (const Error& error) {
      LogError(kSource, "Failed to start network '{}': {}", network->name(), error.message);
    }
  }
}

bool NetworkDriver::HasActiveObjects() const {
  for (const NetworkPtr& network : networks_.all()) {
    if (network->active()) return true;
  }
  return false;
}

void NetworkDriver::Register(Service& service) {
  ObjectDriver::Register(service);
  service.On<proc::ConnectNumOfNetworks>(this, &NetworkDriver::CountActive);
  service.On<proc::ConnectNumOfDefinedNetworks>(this, &NetworkDriver::CountInactive);
  service.On<proc::ConnectListNetworks>(this, &NetworkDriver::ListActive);
  service.On<proc::ConnectListDefinedNetworks>(this, &NetworkDriver::ListInactive);
  service.On<proc::ConnectListAllNetworks>(this, &NetworkDriver::ListAll);
  service.On<proc::NetworkLookupByUuid>(this, &NetworkDriver::LookupByUuid);
  service.On<proc::NetworkLookupByName>(this, &NetworkDriver::LookupByName);
  service.On<proc::NetworkGetXmlDesc>(this, &NetworkDriver::GetXml);
  service.On<proc::NetworkGetBridgeName>(this, &NetworkDriver::GetBridgeName);
  service.On<proc::NetworkGetAutostart>(this, &NetworkDriver::GetAutostart);
  service.On<proc::NetworkIsActive>(this, &NetworkDriver::IsActive);
  service.On<proc::NetworkIsPersistent>(this, &NetworkDriver::IsPersistent);
  service.On<proc::NetworkGetDhcpLeases>(this, &NetworkDriver::GetLeases);
  service.On<proc::ConnectNetworkEventRegisterAny>(this, &NetworkDriver::Subscribe);
  service.On<proc::ConnectNetworkEventDeregisterAny>(this, &NetworkDriver::Unsubscribe);
  service.On<proc::NetworkDefineXml>(this, &NetworkDriver::DefineXml);
  service.On<proc::NetworkDefineXmlFlags>(this, &NetworkDriver::DefineXmlFlags);
  service.On<proc::NetworkCreateXml>(this, &NetworkDriver::CreateXml);
  service.On<proc::NetworkCreateXmlFlags>(this, &NetworkDriver::CreateXmlFlags);
  service.On<proc::NetworkUndefine>(this, &NetworkDriver::Undefine);
  service.On<proc::NetworkCreate>(this, &NetworkDriver::Create);
  service.On<proc::NetworkDestroy>(this, &NetworkDriver::Destroy);
  service.On<proc::NetworkSetAutostart>(this, &NetworkDriver::SetAutostart);
  service.On<proc::NetworkUpdate>(this, &NetworkDriver::Update);
  service.On<proc::NetworkListAllPorts>(this, &NetworkDriver::ListPorts);
  service.On<proc::NetworkPortLookupByUuid>(this, &NetworkDriver::LookupPort);
  service.On<proc::NetworkPortCreateXml>(this, &NetworkDriver::CreatePortXml);
  service.On<proc::NetworkPortGetXmlDesc>(this, &NetworkDriver::GetPortXml);
  service.On<proc::NetworkPortDelete>(this, &NetworkDriver::DeletePortCall);
  service.On<proc::NetworkPortGetParameters>(this, &NetworkDriver::GetPortParameters);
  service.On<proc::NetworkPortSetParameters>(this, &NetworkDriver::SetPortParameters);
}

Task<AsyncMutex::Lock> NetworkDriver::BeginChange() {
  auto lock = co_await changes_.Acquire();
  co_return std::move(*lock);
}

}  // namespace bv::network
