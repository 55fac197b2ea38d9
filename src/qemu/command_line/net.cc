#include "qemu/command_line/net.h"

#include "qemu/command_line/chardev.h"
#include "qemu/command_line/device.h"

namespace bv::qemu {

using namespace model;

namespace {

// What an interface of type network turned out to be.
const Interface& Actual(const Interface& net) { return net.actual ? net.actual->connection : net; }

bool IsVirtio(const Interface& net) {
  return net.model == "virtio" || net.model == "virtio-transitional" || net.model == "virtio-non-transitional";
}

std::string JoinFds(const std::vector<int>& fds, CommandLine* out) {
  std::string list;
  for (int fd : fds) {
    if (!list.empty()) list += ':';
    list += out->Inherit(fd);
  }
  return list;
}

void AddTap(Props* props, const Interface& net, const Context& context, CommandLine* out) {
  props->Add("type", "tap");
  auto found = context.options.fds.find(net.info.alias);
  // A line that only is looked at has no descriptor; the number is a placeholder.
  const DeviceFds none{.tap = {0}};
  const DeviceFds& fds = found == context.options.fds.end() ? none : found->second;
  if (fds.tap.size() == 1) props->Add("fd", JoinFds(fds.tap, out));
  else if (!fds.tap.empty()) props->Add("fds", JoinFds(fds.tap, out));
  if (!fds.vhost.empty()) {
    props->Add("vhost", true);
    props->Add(fds.vhost.size() == 1 ? "vhostfd" : "vhostfds", JoinFds(fds.vhost, out));
  }
  if (net.sndbuf) props->Add("sndbuf", *net.sndbuf);
}

void AddUser(Props* props, const Interface& net) {
  props->Add("type", "user");
  for (auto& ip : net.ips) {
    if (ip.address.find(':') == std::string::npos) {
      props->Add("net", ip.prefix ? fmt::format("{}/{}", ip.address, *ip.prefix) : ip.address);
    } else {
      props->Add("ipv6-prefix", ip.address).Add("ipv6-prefixlen", ip.prefix);
    }
  }
}


}  // namespace

Props DescribeNetdev(const Interface& net, const Context& context, CommandLine* out) {
  const Interface& actual = Actual(net);
  Props props;
  switch (actual.type) {
    case InterfaceType::kNetwork:
    case InterfaceType::kBridge:
    case InterfaceType::kDirect:
    case InterfaceType::kEthernet:
      AddTap(&props, net, context, out);
      break;
    case InterfaceType::kClient:
      props.Add("type", "socket").Add("connect", fmt::format("{}:{}", actual.address, actual.port));
      break;
    case InterfaceType::kServer:
      props.Add("type", "socket").Add("listen", fmt::format("{}:{}", actual.address, actual.port));
      break;
    case InterfaceType::kMcast:
      props.Add("type", "socket").Add("mcast", fmt::format("{}:{}", actual.address, actual.port));
      break;
    case InterfaceType::kUdp:
      props.Add("type", "socket").Add("udp", fmt::format("{}:{}", actual.address, actual.port));
      props.Add("localaddr", fmt::format("{}:{}", actual.local_address, actual.local_port));
      break;
    case InterfaceType::kUser:
    case InterfaceType::kInternal:
      AddUser(&props, net);
      break;
    case InterfaceType::kVhostUser:
      props.Add("type", "vhost-user").Add("chardev", "char" + net.info.alias);
      if (net.driver.queues > 1) props.Add("queues", net.driver.queues);
      break;
    case InterfaceType::kVdpa: {
      auto fds = context.options.fds.find(net.info.alias);
      props.Add("type", "vhost-vdpa");
      props.Add("vhostdev", fds == context.options.fds.end() ? actual.source_dev
                                                             : out->AddFdSet(fds->second.vhost_device, net.info.alias + "-vdpa"));
      if (net.driver.queues > 1) props.Add("queues", net.driver.queues);
      break;
    }
    default:
      throw Unsupported("network type '{}' is not supported by this hypervisor", ToString(actual.type));
  }
  return props.Add("id", "host" + net.info.alias);
}

Props DescribeNetCard(const Interface& net, const Context& context) {
  const NetDriver& driver = net.driver;
  Props props;
  if (IsVirtio(net)) {
    VirtioModel model = net.model == "virtio-transitional"       ? VirtioModel::kTransitional
                        : net.model == "virtio-non-transitional" ? VirtioModel::kNonTransitional
                                                                 : VirtioModel::kVirtio;
    props = VirtioDevice("virtio-net", net.info, model, driver.virtio, context);
    if (driver.txmode == NetTxMode::kIothread) props.Add("tx", "bh");
    if (driver.txmode == NetTxMode::kTimer) props.Add("tx", "timer");
    props.Add("ioeventfd", driver.ioeventfd).Add("event_idx", driver.event_idx);
    props.Add("csum", driver.host.csum).Add("gso", driver.host.gso);
    props.Add("host_tso4", driver.host.tso4).Add("host_tso6", driver.host.tso6);
    props.Add("host_ecn", driver.host.ecn).Add("host_ufo", driver.host.ufo).Add("mrg_rxbuf", driver.host.mrg_rxbuf);
    props.Add("guest_csum", driver.guest.csum).Add("guest_tso4", driver.guest.tso4).Add("guest_tso6", driver.guest.tso6);
    props.Add("guest_ecn", driver.guest.ecn).Add("guest_ufo", driver.guest.ufo);
    if (driver.queues > 1) {
      // One vector for each direction of a queue pair, one for control, one for configuration.
      props.Add("mq", true);
      if (net.info.address.type == AddressType::kPci) props.Add("vectors", 2 * driver.queues + 2);
    }
    props.AddSet("rx_queue_size", driver.rx_queue_size).AddSet("tx_queue_size", driver.tx_queue_size);
    props.Add("rss", driver.rss).Add("hash", driver.rss_hash_report);
    props.AddSet("host_mtu", net.mtu);
    if (net.teaming == TeamingType::kPersistent) props.Add("failover", true);
  } else if (net.model.empty()) {
    // libvirt stumbles here over a passed-through card that is looked at as something else.
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "argument key 'driver' must not have null value");
  } else {
    props = Props::Device(net.model);
  }
  props.Add("netdev", "host" + net.info.alias).Add("id", net.info.alias);
  if (net.mac) {
    char text[18];
    props.Add("mac", net.mac->FormatTo(text));
  }
  AddBootIndex(&props, net.info, context);
  AddAddress(&props, net.info, context);
  AddRom(&props, net.info);
  return props;
}

void AddInterface(const Interface& net, const Context& context, CommandLine* out) {
  // A passed-through card is among the host devices.
  if (Actual(net).type == InterfaceType::kHostdev) return;
  if (Actual(net).type == InterfaceType::kVhostUser) {
    AddChardev(*Actual(net).vhostuser, net.info.alias, "vdagent", context, out);
  }
  out->Netdev(DescribeNetdev(net, context, out));
  AddDevice(DescribeNetCard(net, context), net.info, context, out);
}

void AddInterfaces(const Context& context, CommandLine* out) {
  for (auto& net : context.def.interfaces) AddInterface(*net, context, out);
}

}  // namespace bv::qemu
