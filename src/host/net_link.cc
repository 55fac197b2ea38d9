#include "host/net_link.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"

namespace bv::host {

namespace {

constexpr const char* kSource = "util.netdev";

// One request to the kernel's routing tables, which it acknowledges.
class Request {
 public:
  Request(int type, int flags) {
    nlmsghdr header{};
    header.nlmsg_type = static_cast<std::uint16_t>(type);
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    Append(&header, sizeof header);
  }

  template <typename T>
  void Append(const T& fixed) {
    Append(&fixed, sizeof fixed);
  }
  void Attribute(int type, const void* data, std::size_t size) {
    nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + size), static_cast<std::uint16_t>(type)};
    Append(&head, sizeof head);
    Append(data, size);
  }
  void Attribute(int type, const std::string& text) { Attribute(type, text.c_str(), text.size() + 1); }
  void Attribute(int type, std::uint32_t number) { Attribute(type, &number, sizeof number); }
  void Attribute(int type, const Ip& ip) { Attribute(type, ip.bytes().data(), ip.width() / 8); }
  // An attribute of attributes lasts from Open() until Close() of what that returned.
  std::size_t Open(int type) {
    std::size_t at = bytes_.size();
    nlattr head{NLA_HDRLEN, static_cast<std::uint16_t>(type)};
    Append(&head, sizeof head);
    return at;
  }
  void Close(std::size_t at) { reinterpret_cast<nlattr*>(bytes_.data() + at)->nla_len = static_cast<std::uint16_t>(bytes_.size() - at); }

  // 0 or an errno.
  int Send() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket) return errno;
    reinterpret_cast<nlmsghdr*>(bytes_.data())->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (sendto(socket.get(), bytes_.data(), bytes_.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0) return errno;
    alignas(nlmsghdr) char answer[8192];
    ssize_t got = recv(socket.get(), answer, sizeof answer, 0);
    if (got < 0) return errno;
    auto* header = reinterpret_cast<nlmsghdr*>(answer);
    if (static_cast<std::size_t>(got) < NLMSG_LENGTH(sizeof(nlmsgerr)) || header->nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -static_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
  }
  void SendOrThrow(const std::string& what) {
    if (int error = Send()) throw SystemError(ErrorDomain::kNone, error, what);
  }

 private:
  void Append(const void* data, std::size_t size) {
    auto* from = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
  }
  std::vector<char> bytes_;
};

void SetName(ifreq& request, const std::string& name) {
  std::memset(&request, 0, sizeof request);
  if (name.size() >= sizeof request.ifr_name) {
    throw SystemError(ErrorDomain::kNone, ERANGE, "Network interface name '" + name + "' is too long");
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
}

void Do(int socket, unsigned long request, ifreq& ifr, const std::string& what) {
  if (ioctl(socket, request, &ifr) < 0) throw SystemError(ErrorDomain::kNone, what);
}

int FamilyOf(const Ip& ip) { return ip.v4() ? AF_INET : AF_INET6; }

}  // namespace

NetLink::NetLink(std::string name) : name_(std::move(name)), socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw SystemError(ErrorDomain::kNone, "Cannot open network interface control socket");
}

bool NetLink::Exists(const std::string& name) { return if_nametoindex(name.c_str()) != 0; }

int NetLink::Index() {
  unsigned index = if_nametoindex(name_.c_str());
  if (index == 0) throw SystemError(ErrorDomain::kNone, "Unable to get index for interface " + name_);
  return static_cast<int>(index);
}

void NetLink::CreateBridge(const std::optional<model::MacAddress>& mac) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Append(ifinfomsg{});
  request.Attribute(IFLA_IFNAME, name_);
  if (mac) request.Attribute(IFLA_ADDRESS, mac->bytes.data(), mac->bytes.size());
  std::size_t info = request.Open(IFLA_LINKINFO);
  request.Attribute(IFLA_INFO_KIND, std::string("bridge"));
  request.Close(info);
  request.SendOrThrow("error creating bridge interface " + name_);
}

void NetLink::SetBridge(bool stp, std::uint64_t delay) {
  // The kernel refuses short delays once the protocol runs, and raises what it finds when that begins.
  for (auto [attribute, value] : {std::pair(IFLA_BR_FORWARD_DELAY, static_cast<std::uint32_t>(delay)),
                                  std::pair(IFLA_BR_STP_STATE, static_cast<std::uint32_t>(stp))}) {
    Request request(RTM_NEWLINK, 0);
    ifinfomsg link{};
    link.ifi_index = Index();
    request.Append(link);
    std::size_t info = request.Open(IFLA_LINKINFO);
    request.Attribute(IFLA_INFO_KIND, std::string("bridge"));
    std::size_t data = request.Open(IFLA_INFO_DATA);
    request.Attribute(attribute, value);
    request.Close(data);
    request.Close(info);
    request.SendOrThrow("Unable to set bridge " + name_ + (attribute == IFLA_BR_STP_STATE ? " stp_state" : " forward_delay"));
  }
}

void NetLink::SetVlanFiltering() {
  std::string file = "/sys/class/net/" + name_ + "/bridge/vlan_filtering";
  if (!FileExists(file)) throw SystemError(ErrorDomain::kNone, EINVAL, "Unable to set bridge " + name_ + " vlan_filtering");
  WriteToFile(file, "1");
}

void NetLink::Delete() {
  Request request(RTM_DELLINK, 0);
  ifinfomsg link{};
  link.ifi_index = Index();
  request.Append(link);
  request.SendOrThrow("error destroying network device " + name_);
}

void NetLink::CreateMacvtap(const std::string& lower, const model::MacAddress& mac, std::uint32_t mode) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Append(ifinfomsg{});
  request.Attribute(IFLA_LINK, static_cast<std::uint32_t>(NetLink(lower).Index()));
  request.Attribute(IFLA_ADDRESS, mac.bytes.data(), mac.bytes.size());
  request.Attribute(IFLA_IFNAME, name_);
  std::size_t info = request.Open(IFLA_LINKINFO);
  request.Attribute(IFLA_INFO_KIND, std::string("macvtap"));
  std::size_t data = request.Open(IFLA_INFO_DATA);
  request.Attribute(IFLA_MACVLAN_MODE, mode);
  request.Close(data);
  request.Close(info);
  char text[18];
  if (int error = request.Send()) {
    throw SystemError(ErrorDomain::kNet, error,
                      "error creating macvtap interface " + name_ + "@" + lower + " (" + std::string(mac.FormatTo(text)) + ")");
  }
}

bool NetLink::IsMacvlan() {
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_data = reinterpret_cast<char*>(&driver);
  return ioctl(socket_.get(), SIOCETHTOOL, &ifr) == 0 && std::string_view(driver.driver) == "macvlan";
}

model::MacAddress NetLink::Mac() {
  ifreq ifr;
  SetName(ifr, name_);
  Do(socket_.get(), SIOCGIFHWADDR, ifr, "Cannot get interface MAC on '" + name_ + "'");
  model::MacAddress mac;
  std::memcpy(mac.bytes.data(), ifr.ifr_hwaddr.sa_data, mac.bytes.size());
  return mac;
}

void NetLink::SetMac(const model::MacAddress& mac) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(ifr.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  Do(socket_.get(), SIOCSIFHWADDR, ifr, "Cannot set interface MAC on '" + name_ + "'");
}

std::vector<model::MacAddress> NetLink::MulticastAddresses() {
  std::vector<model::MacAddress> found;
  std::string text = ReadFileIfExists("/proc/thread-self/net/dev_mcast").value_or("");
  for (std::string_view line : SplitAt(text, '\n')) {
    // Number, name, users, whether it was added as such, twelve digits.
    auto words = Words(line);
    if (words.size() != 5 || words[1] != name_ || words[3] == "0" || words[4].size() != 12) continue;
    std::string spaced;
    for (std::size_t i = 0; i < 12; i += 2) spaced += std::string(spaced.empty() ? "" : ":") + std::string(words[4].substr(i, 2));
    if (auto mac = model::MacAddress::Parse(spaced)) found.push_back(*mac);
  }
  return found;
}

void NetLink::AddMulticast(const model::MacAddress& mac) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_hwaddr.sa_family = AF_UNSPEC;
  std::memcpy(ifr.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  Do(socket_.get(), SIOCADDMULTI, ifr, "Cannot add multi MAC on '" + name_ + "' interface");
}

void NetLink::RemoveMulticast(const model::MacAddress& mac) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_hwaddr.sa_family = AF_UNSPEC;
  std::memcpy(ifr.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  Do(socket_.get(), SIOCDELMULTI, ifr, "Cannot remove multi MAC on '" + name_ + "' interface");
}

void NetLink::LetIn(bool everything, bool all_multicast) {
  ifreq ifr;
  SetName(ifr, name_);
  Do(socket_.get(), SIOCGIFFLAGS, ifr, "Cannot get interface flags on '" + name_ + "'");
  int flags = ifr.ifr_flags & ~(IFF_PROMISC | IFF_ALLMULTI);
  if (everything) flags |= IFF_PROMISC;
  if (all_multicast) flags |= IFF_ALLMULTI;
  ifr.ifr_flags = static_cast<short>(flags);
  Do(socket_.get(), SIOCSIFFLAGS, ifr, "Cannot set interface flags on '" + name_ + "'");
}

int NetLink::Mtu() {
  ifreq ifr;
  SetName(ifr, name_);
  Do(socket_.get(), SIOCGIFMTU, ifr, "Cannot get interface MTU on '" + name_ + "'");
  return ifr.ifr_mtu;
}

void NetLink::SetMtu(unsigned mtu) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_mtu = static_cast<int>(mtu);
  Do(socket_.get(), SIOCSIFMTU, ifr, "Cannot set interface MTU on '" + name_ + "'");
}

void NetLink::AddPort(const std::string& port) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_ifindex = static_cast<int>(if_nametoindex(port.c_str()));
  Do(socket_.get(), SIOCBRADDIF, ifr, "Unable to add bridge " + name_ + " port " + port);
}

void NetLink::RemovePort(const std::string& port) {
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_ifindex = static_cast<int>(if_nametoindex(port.c_str()));
  Do(socket_.get(), SIOCBRDELIF, ifr, "Unable to remove bridge " + name_ + " port " + port);
}

void NetLink::SetNoQueue() {
  Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg message{};
  message.tcm_ifindex = Index();
  message.tcm_parent = TC_H_ROOT;
  request.Append(message);
  request.Attribute(TCA_KIND, std::string("noqueue"));
  if (int error = request.Send()) LogDebug(kSource, "'{}' keeps its queue: {}", name_, strerror(error));
}

void NetLink::SetCoalescedFrames(unsigned max) {
  ethtool_coalesce coalesce{};
  ifreq ifr;
  SetName(ifr, name_);
  ifr.ifr_data = reinterpret_cast<char*>(&coalesce);
  coalesce.cmd = ETHTOOL_GCOALESCE;
  Do(socket_.get(), SIOCETHTOOL, ifr, "Cannot get coalesce info on '" + name_ + "'");
  coalesce.cmd = ETHTOOL_SCOALESCE;
  coalesce.rx_max_coalesced_frames = max;
  Do(socket_.get(), SIOCETHTOOL, ifr, "Cannot set coalesce info on '" + name_ + "'");
}

void NetLink::IsolatePort(bool isolated) {
  Request request(RTM_SETLINK, 0);
  ifinfomsg link{};
  link.ifi_family = AF_BRIDGE;
  link.ifi_index = Index();
  request.Append(link);
  std::size_t info = request.Open(IFLA_PROTINFO | NLA_F_NESTED);
  std::uint8_t on = isolated;
  request.Attribute(IFLA_BRPORT_ISOLATED, &on, sizeof on);
  request.Close(info);
  request.SendOrThrow("Unable to set bridge port " + name_ + " isolated");
}

void NetLink::SetUp(bool up) {
  ifreq ifr;
  SetName(ifr, name_);
  Do(socket_.get(), SIOCGIFFLAGS, ifr, "Cannot get interface flags on '" + name_ + "'");
  ifr.ifr_flags = static_cast<short>(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
  Do(socket_.get(), SIOCSIFFLAGS, ifr, "Cannot set interface flags on '" + name_ + "'");
}

void NetLink::AddAddress(const Ip& address, unsigned prefix) {
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg message{};
  message.ifa_family = static_cast<std::uint8_t>(FamilyOf(address));
  message.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
  message.ifa_index = static_cast<unsigned>(Index());
  request.Append(message);
  request.Attribute(IFA_LOCAL, address);
  request.Attribute(IFA_ADDRESS, address);
  std::string what = "Failed to add IP address " + address.ToString() + "/" + std::to_string(prefix);
  if (address.v4()) {
    Ip broadcast = address.Last(prefix);
    request.Attribute(IFA_BROADCAST, broadcast);
    what += " bcast " + broadcast.ToString();
  }
  request.SendOrThrow(what + " to " + name_);
}

void NetLink::AddRoute(const Ip& network, unsigned prefix, const Ip& gateway, unsigned metric) {
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  rtmsg message{};
  message.rtm_family = static_cast<std::uint8_t>(FamilyOf(network));
  message.rtm_dst_len = static_cast<std::uint8_t>(prefix);
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_BOOT;
  message.rtm_scope = RT_SCOPE_UNIVERSE;
  message.rtm_type = RTN_UNICAST;
  request.Append(message);
  if (prefix > 0) request.Attribute(RTA_DST, network);
  request.Attribute(RTA_GATEWAY, gateway);
  request.Attribute(RTA_OIF, static_cast<std::uint32_t>(Index()));
  request.Attribute(RTA_PRIORITY, metric);
  request.SendOrThrow("Failed to add route " + network.ToString() + "/" + std::to_string(prefix) + " via " + gateway.ToString() +
                      " dev " + name_);
}

}  // namespace bv::host
