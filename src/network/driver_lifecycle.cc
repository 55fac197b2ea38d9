// Definitions come and go, networks start and stop.

#include "base/error.h"
#include "base/files.h"
#include "base/schema.h"
#include "daemon/definition_files.h"
#include "network/network_driver.h"
#include "network/network_hooks.h"
#include "network/update.h"
#include "network/validate.h"

namespace bv::network {

using namespace remote;
using model::NetworkDef;

namespace {

constexpr unsigned kFlagValidate = 1;  // VIR_NETWORK_DEFINE_VALIDATE, VIR_NETWORK_CREATE_VALIDATE
enum { kDefined = 0, kUndefined = 1, kStarted = 2, kStopped = 3 };

[[noreturn]] void Invalid(std::string text) { throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationInvalid, std::move(text)); }

void RequireActive(const Network& network) {
  if (!network.active()) Invalid("network '" + network.name() + "' is not active");
}

}  // namespace

Task<> NetworkDriver::SaveConfig(NetworkPtr network, NetworkDef def) {
  auto write = [directory = paths_.config_dir, path = paths_.Config(def.name), text = FormatConfig(def)] {
    MakeDirs(directory, 0700);
    WriteFileAtomic(path, text);
  };
  co_await Offload(write);
  network->config = std::move(def);
}

Task<> NetworkDriver::SaveStatus(NetworkPtr network) {
  auto write = [path = paths_.Status(network->name()), text = FormatStatus(*network)] { WriteFileAtomic(path, text); };
  co_await Offload(write);
}

Task<> NetworkDriver::StartNetwork(NetworkPtr network) {
  NetworkDef def = *network->config;
  CompleteLive(def);
  auto find = [def]() mutable {
    NetworkStarter::FindDevices(def);
    return std::move(def);
  };
  def = co_await Offload(find);
  co_await RunNetworkHooks("start", def);
  co_await starter_.Start(def);
  std::exception_ptr failure;
  try {
    co_await RunNetworkHooks("started", def);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await starter_.Stop(def);
    co_await TellNetworkHooks("stopped", "end", def);
    std::rethrow_exception(failure);
  }
  network->live = std::move(def);
  network->class_ids = InitialClassIds();
  network->floor_sum = 0;
  co_await SaveStatus(network);
  TellLifecycle(Reference(*network), kStarted);
}

Task<> NetworkDriver::StopNetwork(NetworkPtr network) {
  NetworkDef def = *network->live;
  auto forget = [status = paths_.Status(def.name), ports = paths_.state_dir + "/" + def.name] {
    unlink(status.c_str());
    RemoveTree(ports);
  };
  co_await Offload(forget);
  co_await starter_.Stop(def);
  co_await TellNetworkHooks("stopped", "end", def);
  NonnullNetwork reference = Reference(*network);
  network->live.reset();
  network->ports.clear();
  if (!network->persistent()) networks_.Remove(network);
  TellLifecycle(reference, kStopped);
  if (!network->persistent()) co_await starter_.dnsmasq().RemoveFiles(def);
  on_idle_();
}

Task<NetworkDef> NetworkDriver::ReadDefinition(std::string xml, bool validate) {
  std::function<void()> describe = [&] { model::ParseNetwork(xml, model::kNetworkValidate); };
  validate = co_await xml::StillToValidate(validate, xml, "network", "network", describe);
  co_return model::ParseNetwork(xml, validate ? model::kNetworkValidate : 0);
}

Task<NonnullNetwork> NetworkDriver::Define(std::string xml, unsigned flags) {
  NetworkDef def = co_await ReadDefinition(xml, flags & kFlagValidate);
  auto turn = co_await BeginChange();
  CheckDefinition(def);
  CompleteBridge(def, networks_);
  NetworkPtr network = networks_.FindSame(def, false);
  NonnullNetwork reference{def.name, def.uuid};
  if (network) {
    co_await SaveConfig(network, std::move(def));
  } else {
    network = std::make_shared<Network>();
    co_await SaveConfig(network, std::move(def));
    networks_.Add(network);
  }
  TellLifecycle(reference, kDefined);
  co_return reference;
}

Task<NonnullNetwork> NetworkDriver::CreateTransient(std::string xml, unsigned flags) {
  NetworkDef def = co_await ReadDefinition(xml, flags & kFlagValidate);
  auto turn = co_await BeginChange();
  CheckDefinition(def);
  CompleteBridge(def, networks_);
  NetworkPtr network = networks_.FindSame(def, true);
  // What a persistent network is started with this once; it keeps its own.
  auto started = std::make_shared<Network>();
  started->config = std::move(def);
  co_await StartNetwork(started);
  if (network) {
    network->live = std::move(started->live);
    network->class_ids = std::move(started->class_ids);
  } else {
    started->config.reset();
    networks_.Add(network = started);
  }
  NonnullNetwork reference = Reference(*network);
  co_return reference;
}

Task<NetworkDefineXmlRet> NetworkDriver::DefineXml(Call&, NetworkDefineXmlArgs args) {
  NetworkDefineXmlRet ret;
  ret.net = co_await Define(args.xml, 0);
  co_return ret;
}

Task<NetworkDefineXmlFlagsRet> NetworkDriver::DefineXmlFlags(Call&, NetworkDefineXmlFlagsArgs args) {
  RefuseFlags(args.flags, kFlagValidate, "networkDefineXMLFlags");
  NetworkDefineXmlFlagsRet ret;
  ret.net = co_await Define(args.xml, args.flags);
  co_return ret;
}

Task<NetworkCreateXmlRet> NetworkDriver::CreateXml(Call&, NetworkCreateXmlArgs args) {
  NetworkCreateXmlRet ret;
  ret.net = co_await CreateTransient(args.xml, 0);
  co_return ret;
}

Task<NetworkCreateXmlFlagsRet> NetworkDriver::CreateXmlFlags(Call&, NetworkCreateXmlFlagsArgs args) {
  RefuseFlags(args.flags, kFlagValidate, "networkCreateXMLFlags");
  NetworkCreateXmlFlagsRet ret;
  ret.net = co_await CreateTransient(args.xml, args.flags);
  co_return ret;
}

Task<> NetworkDriver::Undefine(Call&, NetworkUndefineArgs args) {
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  if (!network->persistent()) Invalid("can't undefine transient network");
  NetworkDef def = *network->config;
  auto remove = [link = paths_.AutostartLink(def.name), file = paths_.Config(def.name)] {
    RemoveDefinition(file, link, ErrorDomain::kNetwork);
  };
  co_await Offload(remove);
  network->autostart = false;
  if (network->active()) {
    network->config.reset();
  } else {
    co_await starter_.dnsmasq().RemoveFiles(def);
    networks_.Remove(network);
  }
  TellLifecycle({def.name, def.uuid}, kUndefined);
}

Task<> NetworkDriver::Create(Call&, NetworkCreateArgs args) {
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  if (network->active()) Invalid("network is already active");
  co_await StartNetwork(network);
}

Task<> NetworkDriver::Destroy(Call&, NetworkDestroyArgs args) {
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  RequireActive(*network);
  co_await StopNetwork(network);
}

Task<> NetworkDriver::SetAutostart(Call&, NetworkSetAutostartArgs args) {
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  if (!network->persistent()) Invalid("cannot set autostart for transient network");
  bool wanted = args.autostart != 0;
  if (network->autostart == wanted) co_return;
  auto change = [wanted, link = paths_.AutostartLink(network->name()), file = paths_.Config(network->name())] {
    LinkAutostart(file, link, wanted, ErrorDomain::kNetwork);
  };
  co_await Offload(change);
  network->autostart = wanted;
}

Task<> NetworkDriver::Update(Call&, NetworkUpdateArgs args) {
  RefuseFlags(args.flags, kAffectLive | kAffectConfig, "networkUpdate");
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  bool live = args.flags & kAffectLive, config = args.flags & kAffectConfig;
  if (!live && !config) (network->active() ? live : config) = true;
  if (live && !network->active()) Invalid("network is not running");
  if (config && !network->persistent()) Invalid("cannot change persistent config of a transient network");

  // Both or neither: each definition is complete before the first takes effect.
  std::optional<NetworkDef> new_live, new_config;
  if (config) {
    new_config = *network->config;
    UpdateDefinition(*new_config, args.command, args.section, args.parentIndex, args.xml);
  }
  if (live) {
    new_live = *network->live;
    UpdateDefinition(*new_live, args.command, args.section, args.parentIndex, args.xml);
  }
  if (new_config) co_await SaveConfig(network, std::move(*new_config));
  if (!new_live) co_return;
  NetworkDef before = *network->live, after = *new_live;
  network->live = std::move(new_live);
  co_await SaveStatus(network);
  switch (EffectOf(args.section)) {
    case UpdateEffect::kNone: break;
    case UpdateEffect::kHosts: co_await starter_.dnsmasq().ReloadHosts(after); break;
    case UpdateEffect::kServer: co_await starter_.dnsmasq().Restart(after); break;
    case UpdateEffect::kRules:
      co_await starter_.RemoveRules(before);
      co_await starter_.InsertRules(after);
      break;
  }
  co_await RunNetworkHooks("updated", after);
}

}  // namespace bv::network
