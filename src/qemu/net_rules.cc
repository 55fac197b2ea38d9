#include "qemu/net_rules.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/wait.h"
#include "host/kernel_files.h"

namespace bv::qemu {

using namespace model;

namespace {

[[noreturn]] void Refuse(ErrorDomain domain, std::string text) { throw Error(domain, ErrorCode::kConfigUnsupported, std::move(text)); }

bool CanTag(const Interface& connection) {
  bool switched = connection.virtual_port && connection.virtual_port->type == VirtualPortType::kOpenvswitch;
  switch (connection.type) {
    case InterfaceType::kHostdev: return true;
    case InterfaceType::kDirect: return connection.direct_mode == MacvtapMode::kPassthrough;
    case InterfaceType::kNetwork:
    case InterfaceType::kBridge: return switched;
    default: return false;
  }
}

}  // namespace

Task<> CheckConnection(const Interface& net) {
  const Interface& connection = net.actual ? net.actual->connection : net;
  auto type = connection.type;
  char buffer[18] = "";
  std::string mac(net.mac ? net.mac->FormatTo(buffer) : std::string_view());
  const bool tagged = connection.vlan && !connection.vlan->tags.empty(), bridged = type == InterfaceType::kNetwork || type == InterfaceType::kBridge;
  if (tagged && !CanTag(connection)) Refuse(ErrorDomain::kDomain, fmt::format("interface {} - vlan tag not supported for this connection type", mac));
  if (connection.isolated == YesNo::kYes && !bridged)
    Refuse(ErrorDomain::kDomain, fmt::format("interface {} - <port isolated='yes'/> is not supported for network interfaces with type='{}'",
                                             mac, ToString(type)));
  if (net.filter && !bridged && type != InterfaceType::kEthernet)
    Refuse(ErrorDomain::kQemu, fmt::format("interface {} - filterref is not supported for network interfaces of type {}", mac, ToString(type)));
  if (type != InterfaceType::kDirect) co_return;
  // Those of switches mean nothing here. The others are had from the switch, by a protocol of its own.
  auto profile = connection.virtual_port ? connection.virtual_port->type : VirtualPortType::kNone;
  if (profile == VirtualPortType::k8021Qbg || profile == VirtualPortType::k8021Qbh)
    Refuse(ErrorDomain::kQemu, fmt::format("port profiles of type '{}' are not supported yet", ToString(profile)));
  if (!tagged) co_return;
  std::string device = connection.source_dev;
  auto is_function = [device] { return host::KernelFiles().Exists("/sys/class/net/" + device + "/device/physfn"); };
  if (!co_await Offload(is_function)) Refuse(ErrorDomain::kNone, fmt::format("vlan can only be set for SR-IOV VFs, but {} is not a VF", device));
  Refuse(ErrorDomain::kQemu, fmt::format("the vlan of '{}' cannot be set yet", device));
}

}  // namespace bv::qemu
