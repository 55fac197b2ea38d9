#pragma once

#include <string>
#include <string_view>

#include "base/uuid.h"
#include "model/domain/interface.h"
#include "model/network.h"

// <networkport>: the place that a guest's interface has in a network.
namespace bv::model {

enum class PlugType : std::uint8_t { kNone, kNetwork, kBridge, kDirect, kHostdevPci };
template <>
struct Spelling<PlugType> {
  static constexpr const char* kNames[] = {"none", "network", "bridge", "direct", "hostdev-pci"};
};

struct NetworkPlug {
  PlugType type = PlugType::kNone;
  std::string bridge;                                               // network, bridge
  MacTableManager mac_table_manager = MacTableManager::kDefault;
  std::string dev;                                                  // direct
  MacvtapMode mode = MacvtapMode::kVepa;
  YesNo managed = YesNo::kAbsent;                                   // hostdev-pci
  ForwardDriver driver = ForwardDriver::kDefault;
  PciAddress address;
};

struct NetworkPortDef {
  Uuid uuid;
  std::string owner_name;
  Uuid owner_uuid;
  std::string group;
  std::optional<MacAddress> mac;
  std::optional<VirtualPort> virtual_port;
  std::optional<Bandwidth> bandwidth;
  std::optional<Vlan> vlan;
  YesNo isolated = YesNo::kAbsent, trust_guest_rx_filters = YesNo::kAbsent;
  NetworkPlug plug;
};

// `flags`: kNetworkValidate.
NetworkPortDef ParseNetworkPort(std::string_view xml, unsigned flags);
std::string FormatNetworkPort(const NetworkPortDef& port);

}  // namespace bv::model
