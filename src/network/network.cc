#include "network/network.h"

#include <algorithm>

#include "base/error.h"

namespace bv::network {

NetworkPtr NetworkList::FindName(const std::string& name) const {
  auto found = std::ranges::find_if(networks_, [&](auto& network) { return network->name() == name; });
  return found == networks_.end() ? nullptr : *found;
}

NetworkPtr NetworkList::FindUuid(const Uuid& uuid) const {
  auto found = std::ranges::find_if(networks_, [&](auto& network) { return network->uuid() == uuid; });
  return found == networks_.end() ? nullptr : *found;
}

NetworkPtr NetworkList::Get(const Uuid& uuid, const std::string& name) const {
  if (NetworkPtr network = FindUuid(uuid)) return network;
  throw Error(ErrorDomain::kNetwork, ErrorCode::kNoNetwork, "no network with matching uuid '" + uuid.ToString() + "' (" + name + ")");
}

NetworkPtr NetworkList::FindSame(const model::NetworkDef& def, bool must_be_inactive) const {
  NetworkPtr network = FindUuid(def.uuid);
  std::string uuid = def.uuid.ToString();
  if (network && network->name() != def.name) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationFailed, "network '" + network->name() + "' is already defined with uuid " + uuid);
  }
  if (!network) {
    if (NetworkPtr rival = FindName(def.name)) {
      throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationFailed,
                  "network '" + def.name + "' already exists with uuid " + rival->uuid().ToString());
    }
  }
  if (network && must_be_inactive && network->active()) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationInvalid, "network is already active as '" + network->name() + "'");
  }
  return network;
}

bool NetworkList::BridgeTaken(const std::string& bridge, const std::string& name) const {
  return std::ranges::any_of(networks_, [&](auto& network) {
    if (network->name() == name) return false;
    return (network->config && network->config->bridge.name == bridge) || (network->live && network->live->bridge.name == bridge);
  });
}

}  // namespace bv::network
