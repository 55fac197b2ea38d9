#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "base/fd.h"
#include "model/network.h"
#include "model/network_port.h"

namespace bv::network {

// The classes of traffic that every bridge has.
inline Bitmap InitialClassIds() {
  Bitmap ids;
  ids.SetRange(0, 2);
  return ids;
}

// One network of this host. It has a definition on disk, or runs, or both. Lives on the loop.
struct Network {
  std::optional<model::NetworkDef> config;  // persistent
  std::optional<model::NetworkDef> live;    // while it runs
  bool autostart = false;

  Bitmap class_ids = InitialClassIds();  // in use on the bridge
  std::uint64_t floor_sum = 0;           // of the guarantees of its ports
  std::map<Uuid, model::NetworkPortDef> ports;

  bool active() const { return live.has_value(); }
  bool persistent() const { return config.has_value(); }
  const model::NetworkDef& def() const { return live ? *live : *config; }
  const model::NetworkDef& inactive_def() const { return config ? *config : *live; }
  const std::string& name() const { return def().name; }
  const Uuid& uuid() const { return def().uuid; }
};
using NetworkPtr = std::shared_ptr<Network>;

// The networks of a daemon. Errors have domain kNetwork.
class NetworkList {
 public:
  NetworkPtr FindName(const std::string& name) const;
  NetworkPtr FindUuid(const Uuid& uuid) const;
  NetworkPtr Get(const Uuid& uuid, const std::string& name) const;  // kNoNetwork

  // The network that the definition is a new one of; null when there is none. Throws kOperationFailed where only
  // one of name and UUID is taken, and kOperationInvalid where `must_be_inactive` and it runs.
  NetworkPtr FindSame(const model::NetworkDef& def, bool must_be_inactive) const;
  // Whether a network of another name has this bridge.
  bool BridgeTaken(const std::string& bridge, const std::string& name) const;

  void Add(NetworkPtr network) { networks_.push_back(std::move(network)); }
  void Remove(const NetworkPtr& network) { std::erase(networks_, network); }
  const std::vector<NetworkPtr>& all() const { return networks_; }

 private:
  std::vector<NetworkPtr> networks_;
};

}  // namespace bv::network
