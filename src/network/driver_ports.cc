// Ports: the places that guests' interfaces have in networks.

#include <unistd.h>

#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/schema.h"
#include "network/network_driver.h"
#include "network/network_hooks.h"
#include "network/port_allocation.h"

namespace bv::network {

using namespace remote;
using model::NetworkPortDef;

namespace {

// virNetworkPortCreateFlags
enum : unsigned { kReclaim = 1, kValidate = 2 };

NonnullNetworkPort PortReference(const Network& network, const Uuid& uuid) { return {Reference(network), uuid}; }

NetworkPortDef& GetPort(Network& network, const Uuid& uuid) {
  auto found = network.ports.find(uuid);
  if (found != network.ports.end()) return found->second;
  throw Error(ErrorDomain::kNetwork, ErrorCode::kNoNetworkPort, "Network port with UUID " + uuid.ToString() + " does not exist");
}

void RequireActive(const Network& network) {
  if (network.active()) return;
  throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationInvalid, "network '" + network.name() + "' is not active");
}

// The parameters of a port, in the order in which they are listed.
struct RateParameter {
  const char* name;
  bool inbound;
  std::uint64_t model::BandwidthRate::*member;
};
using R = model::BandwidthRate;
constexpr RateParameter kParameters[] = {
    {"inbound.average", true, &R::average},   {"inbound.peak", true, &R::peak},   {"inbound.floor", true, &R::floor},   {"inbound.burst", true, &R::burst},
    {"outbound.average", false, &R::average}, {"outbound.peak", false, &R::peak}, {"outbound.burst", false, &R::burst},
};

}  // namespace

Task<> NetworkDriver::SavePort(NetworkPtr network, NetworkPortDef port) {
  auto write = [directory = paths_.Ports(network->name()), uuid = port.uuid, text = model::FormatNetworkPort(port)] {
    MakeDirs(directory, 0700);
    WriteFileAtomic(directory + "/" + uuid.ToString() + ".xml", text);
  };
  co_await Offload(write);
  Uuid uuid = port.uuid;
  network->ports.insert_or_assign(uuid, std::move(port));
}

Task<> NetworkDriver::SaveMacs(NetworkPtr network) {
  const model::NetworkDef& def = *network->live;
  if (!def.has_own_bridge()) co_return;
  std::map<std::string, Json> by_guest;
  for (auto& [uuid, port] : network->ports) {
    char buffer[18];
    by_guest[port.owner_name].Append(std::string(port.mac->FormatTo(buffer)));
  }
  Json list = Json::Array();
  for (auto& [guest, macs] : by_guest) list.Append(Json::Object({{"domain", guest}, {"macs", macs}}));
  auto write = [path = paths_.Macs(def.bridge.name), text = list.Dump(true) + "\n"] { WriteFileAtomic(path, text, 0644); };
  co_await Offload(write);
}

Task<NetworkListAllPortsRet> NetworkDriver::ListPorts(Call&, NetworkListAllPortsArgs args) {
  RefuseFlags(args.flags, 0, "networkListAllPorts");
  NetworkPtr network = networks_.Get(args.network.uuid, args.network.name);
  RequireActive(*network);
  NetworkListAllPortsRet ret;
  for (auto& [uuid, port] : network->ports) {
    ++ret.ret;
    if (args.need_results) ret.ports.push_back(PortReference(*network, uuid));
  }
  co_return ret;
}

Task<NetworkPortLookupByUuidRet> NetworkDriver::LookupPort(Call&, NetworkPortLookupByUuidArgs args) {
  NetworkPtr network = networks_.Get(args.network.uuid, args.network.name);
  RequireActive(*network);
  GetPort(*network, args.uuid);
  NetworkPortLookupByUuidRet ret;
  ret.port = PortReference(*network, args.uuid);
  co_return ret;
}

Task<NetworkPortCreateXmlRet> NetworkDriver::CreatePortXml(Call&, NetworkPortCreateXmlArgs args) {
  RefuseFlags(args.flags, kReclaim | kValidate, "networkPortCreateXML");
  const bool validate = co_await xml::StillToValidate(args.flags & kValidate, args.xml, "networkport", "networkport");
  NetworkPortDef port = model::ParseNetworkPort(args.xml, validate ? model::kNetworkValidate : 0);
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.network.uuid, args.network.name);
  NetworkPortCreateXmlRet ret;
  ret.port = PortReference(*network, port.uuid);
  co_await AddPort(network, std::move(port), (args.flags & kReclaim) != 0);
  co_return ret;
}

Task<> NetworkDriver::AddPort(NetworkPtr network, NetworkPortDef port, bool reclaim) {
  RequireActive(*network);
  bool plugged = port.plug.type != model::PlugType::kNone;
  if (plugged != reclaim) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kInvalidArg,
                reclaim ? "Port reclaim requested but plug type is none" : "Port reclaim not requested but plug type is not none");
  }
  if (network->ports.contains(port.uuid)) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kNetworkPortExist, "Network port with UUID " + port.uuid.ToString() + " already exists");
  }
  // A guest that is found again says where it is connected already.
  if (reclaim) ClaimPort(*network->live, port);
  else AllocatePort(*network->live, port);
  std::exception_ptr failed;
  try {
    co_await SavePort(network, port);
    co_await SaveMacs(network);
    co_await SaveStatus(network);
    if (!reclaim) co_await RunNetworkHooks("port-created", *network->live, &port);
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  co_await ForgetPort(network, port);
  std::rethrow_exception(failed);
}

Task<std::string> NetworkDriver::CreatePort(std::string name, std::string xml) {
  NetworkPortDef port = model::ParseNetworkPort(xml, 0);
  Uuid uuid = port.uuid;
  auto turn = co_await BeginChange();
  NetworkPtr network = FindByName(name);
  co_await AddPort(network, std::move(port), false);
  co_return model::FormatNetworkPort(GetPort(*network, uuid));
}

Task<> NetworkDriver::DeletePort(std::string name, Uuid uuid) {
  auto turn = co_await BeginChange();
  NetworkPtr network = FindByName(name);
  co_await RemovePort(network, uuid);
}

Task<NetworkPortGetXmlDescRet> NetworkDriver::GetPortXml(Call&, NetworkPortGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "networkPortGetXMLDesc");
  NetworkPtr network = networks_.Get(args.port.net.uuid, args.port.net.name);
  NetworkPortGetXmlDescRet ret;
  ret.xml = model::FormatNetworkPort(GetPort(*network, args.port.uuid));
  co_return ret;
}

Task<> NetworkDriver::DeletePortCall(Call&, NetworkPortDeleteArgs args) {
  RefuseFlags(args.flags, 0, "networkPortDelete");
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.port.net.uuid, args.port.net.name);
  co_await RemovePort(network, args.port.uuid);
}

Task<> NetworkDriver::RemovePort(NetworkPtr network, Uuid uuid) {
  RequireActive(*network);
  NetworkPortDef port = GetPort(*network, uuid);
  co_await ForgetPort(network, port);
  co_await TellNetworkHooks("port-deleted", "begin", *network->live, &port);
}

Task<> NetworkDriver::ForgetPort(NetworkPtr network, NetworkPortDef port) {
  network->ports.erase(port.uuid);
  ReleasePort(*network->live, port);
  auto remove = [path = paths_.Ports(network->name()) + "/" + port.uuid.ToString() + ".xml"] { unlink(path.c_str()); };
  co_await Offload(remove);
  co_await SaveMacs(network);
  co_await SaveStatus(network);
}

Task<NetworkPortGetParametersRet> NetworkDriver::GetPortParameters(Call&, NetworkPortGetParametersArgs args) {
  RefuseFlags(args.flags, 0, "networkPortGetParameters");
  NetworkPtr network = networks_.Get(args.port.net.uuid, args.port.net.name);
  const NetworkPortDef& port = GetPort(*network, args.port.uuid);
  NetworkPortGetParametersRet ret;
  for (const RateParameter& row : kParameters) {
    auto* rate = !port.bandwidth ? nullptr : row.inbound ? &port.bandwidth->in : &port.bandwidth->out;
    if (!rate || !rate->has_value()) continue;
    TypedParam param{row.name, static_cast<std::uint32_t>((**rate).*row.member)};
    ret.params.push_back(std::move(param));
  }
  ret.nparams = static_cast<std::int32_t>(ret.params.size());
  if (args.nparams == 0) ret.params.clear();
  co_return ret;
}

Task<> NetworkDriver::SetPortParameters(Call&, NetworkPortSetParametersArgs args) {
  RefuseFlags(args.flags, 0, "networkPortSetParameters");
  auto turn = co_await BeginChange();
  NetworkPtr network = networks_.Get(args.port.net.uuid, args.port.net.name);
  RequireActive(*network);
  NetworkPortDef port = GetPort(*network, args.port.uuid);
  model::Bandwidth bandwidth = port.bandwidth.value_or(model::Bandwidth());
  for (const TypedParam& param : args.params) {
    const RateParameter* row = nullptr;
    for (auto& one : kParameters) {
      if (param.field == one.name) row = &one;
    }
    auto* number = std::get_if<std::uint32_t>(&param.value);
    if (!row || !number) {
      throw Error(ErrorDomain::kNetwork, ErrorCode::kInvalidArg, "parameter '" + param.field + "' not supported");
    }
    auto& rate = row->inbound ? bandwidth.in : bandwidth.out;
    if (!rate) rate.emplace();
    (*rate).*row->member = *number;
  }
  auto drop_empty = [](std::optional<R>& rate) {
    if (rate && !rate->average && !rate->floor) rate.reset();
  };
  drop_empty(bandwidth.in);
  drop_empty(bandwidth.out);
  if (bandwidth.in || bandwidth.out) port.bandwidth = bandwidth;
  else port.bandwidth.reset();
  co_await SavePort(network, std::move(port));
}

}  // namespace bv::network
