#include "qemu/tap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "host/interface_names.h"
#include "host/net_link.h"

namespace bv::qemu {

using model::Interface;
using model::InterfaceType;

namespace {

void SetName(ifreq& request, const std::string& name) {
  std::memset(&request, 0, sizeof request);
  if (name.size() >= sizeof request.ifr_name) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "interface name " + name + " is too long");
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
}

Fd OpenQueue(std::string& name, const TapRequest& request) {
  Fd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kNone, "Unable to open /dev/net/tun, is tun module loaded?");
  ifreq ifr;
  SetName(ifr, name);
  ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (request.virtio) ifr.ifr_flags |= IFF_VNET_HDR;
  if (request.queues > 1) ifr.ifr_flags |= IFF_MULTI_QUEUE;
  if (ioctl(fd.get(), TUNSETIFF, &ifr) < 0) throw SystemError(ErrorDomain::kNone, "Unable to create tap device " + name);
  name = ifr.ifr_name;
  return fd;
}

}  // namespace

void OpenVhost(const TapRequest& request, TapDevice& tap) {
  if (!request.vhost && !request.need_vhost) return;
  for (unsigned i = 0; i < request.queues; ++i) {
    Fd fd(open("/dev/vhost-net", O_RDWR | O_CLOEXEC));
    if (fd) {
      tap.vhost.push_back(std::move(fd));
      continue;
    }
    tap.vhost.clear();
    if (!request.need_vhost) return;
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "vhost-net was requested for an interface, but is unavailable");
  }
}

bool WantsTap(const Interface& net) {
  InterfaceType type = (net.actual ? net.actual->connection : net).type;
  bool in_network = net.actual && type == InterfaceType::kNetwork;
  return type == InterfaceType::kBridge || in_network || (type == InterfaceType::kEthernet && net.script.empty());
}

Fd OpenVdpa(const std::string& device) {
  Fd fd(open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kQemu, "Unable to open '" + device + "' for vdpa device");
  return fd;
}

void FillTapRequest(const Interface& net, std::string_view prefix, TapRequest& request) {
  request.alias = net.info.alias;
  // Names that the daemon makes are not kept from one run to the next.
  bool given = !net.target.dev.empty() && (net.target.managed == model::YesNo::kNo || !net.target.dev.starts_with(prefix));
  request.name = given ? net.target.dev : host::NextInterfaceName(prefix);
  if (net.mac) request.guest_mac = *net.mac;
  request.queues = std::max(1u, net.driver.queues);
  request.virtio = net.model.starts_with("virtio");
  request.need_vhost = net.driver.name == model::NetDriverName::kVhost;
  request.vhost = request.virtio && net.driver.name != model::NetDriverName::kQemu;
}

TapRequest MakeTapRequest(const Interface& net) {
  TapRequest request;
  FillTapRequest(net, host::kTapPrefix, request);
  const Interface& connection = net.actual ? net.actual->connection : net;
  request.bridge = connection.bridge;
  request.open_vswitch = connection.virtual_port && connection.virtual_port->type == model::VirtualPortType::kOpenvswitch;
  request.isolated = connection.isolated == model::YesNo::kYes;
  request.mtu = net.mtu;
  request.coalesced_frames = net.coalesce_rx_frames_max;
  return request;
}

TapDevice OpenTap(const TapRequest& request) {
  TapDevice tap;
  tap.name = request.name;
  for (unsigned i = 0; i < request.queues; ++i) tap.queues.push_back(OpenQueue(tap.name, request));
  host::NetLink link(tap.name);
  // The bridge keeps the lowest address of its ports: one that starts with fe never is.
  auto mac = request.guest_mac;
  mac.bytes[0] = 0xfe;
  link.SetMac(mac);
  if (request.open_vswitch && !request.bridge.empty()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Unable to add port " + tap.name + " to OVS bridge " + request.bridge);
  } else if (!request.bridge.empty()) {
    host::NetLink bridge(request.bridge);
    link.SetMtu(request.mtu ? request.mtu : static_cast<unsigned>(bridge.Mtu()));
    bridge.AddPort(tap.name);
    if (request.isolated) link.IsolatePort();
  } else if (request.mtu) {
    link.SetMtu(request.mtu);
  }
  link.SetNoQueue();
  if (request.coalesced_frames) link.SetCoalescedFrames(*request.coalesced_frames);
  link.SetUp(true);
  OpenVhost(request, tap);
  return tap;
}

}  // namespace bv::qemu
