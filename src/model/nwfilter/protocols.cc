#include "model/nwfilter/protocols.h"

namespace bv::model {

namespace {

using F = FilterField;
using T = FilterFieldType;
using U = FilterFieldUse;
constexpr std::uint32_t kMax8 = 0xff, kMax16 = 0xffff, kMax32 = 0xffffffff;

// --- Ethernet: ebtables --------------------------------------------------------------------------

constexpr F kMacPair[] = {
    {.name = "srcmacaddr", .type = T::kMac, .option = "-s", .reversed = "-d"},
    {.name = "srcmacmask", .type = T::kMacMask, .of = "srcmacaddr", .join = '/'},
    {.name = "dstmacaddr", .type = T::kMac, .option = "-d", .reversed = "-s"},
    {.name = "dstmacmask", .type = T::kMacMask, .of = "dstmacaddr", .join = '/'},
};
constexpr std::span kMacSource = std::span(kMacPair).first<2>();

// ebtables cannot keep one.
constexpr F kUnusedComment[] = {{.name = "comment", .type = T::kText, .use = U::kNone}};

constexpr F kMacFields[] = {
    {.name = "protocolid", .type = T::kEtherType, .max = kMax16, .min = 0x600, .use = U::kHex, .option = "-p"},
};

constexpr F kVlanFields[] = {
    {.name = "vlanid", .type = T::kNumber, .max = 0xfff, .option = "--vlan-id"},
    {.name = "encap-protocol", .type = T::kEtherType, .max = kMax16, .min = 0x3c, .option = "--vlan-encap"},
};

constexpr F kStpFields[] = {
    {.name = "type", .type = T::kNumber, .max = kMax8, .option = "--stp-type"},
    {.name = "flags", .type = T::kNumber, .max = kMax8, .option = "--stp-flags"},
    {.name = "root-priority", .type = T::kNumber, .max = kMax16, .option = "--stp-root-pri"},
    {.name = "root-priority-hi", .type = T::kNumber, .max = kMax16, .of = "root-priority", .join = ':'},
    {.name = "root-address", .type = T::kMac, .option = "--stp-root-addr"},
    {.name = "root-address-mask", .type = T::kMacMask, .of = "root-address", .join = '/'},
    {.name = "root-cost", .type = T::kNumber, .max = kMax32, .option = "--stp-root-cost"},
    {.name = "root-cost-hi", .type = T::kNumber, .max = kMax32, .of = "root-cost", .join = ':'},
    {.name = "sender-priority", .type = T::kNumber, .max = kMax16, .option = "--stp-sender-prio"},
    {.name = "sender-priority-hi", .type = T::kNumber, .max = kMax16, .of = "sender-priority", .join = ':'},
    {.name = "sender-address", .type = T::kMac, .option = "--stp-sender-addr"},
    {.name = "sender-address-mask", .type = T::kMacMask, .of = "sender-address", .join = '/'},
    {.name = "port", .type = T::kNumber, .max = kMax16, .option = "--stp-port"},
    {.name = "port-hi", .type = T::kNumber, .max = kMax16, .of = "port", .join = ':'},
    {.name = "age", .type = T::kNumber, .max = kMax16, .option = "--stp-msg-age"},
    {.name = "age-hi", .type = T::kNumber, .max = kMax16, .of = "age", .join = ':'},
    {.name = "max-age", .type = T::kNumber, .max = kMax16, .option = "--stp-max-age"},
    {.name = "max-age-hi", .type = T::kNumber, .max = kMax16, .of = "max-age", .join = ':'},
    {.name = "hello-time", .type = T::kNumber, .max = kMax16, .option = "--stp-hello-time"},
    {.name = "hello-time-hi", .type = T::kNumber, .max = kMax16, .of = "hello-time", .join = ':'},
    {.name = "forward-delay", .type = T::kNumber, .max = kMax16, .option = "--stp-forward-delay"},
    {.name = "forward-delay-hi", .type = T::kNumber, .max = kMax16, .of = "forward-delay", .join = ':'},
};

constexpr F kArpFields[] = {
    {.name = "hwtype", .type = T::kNumber, .max = kMax16, .option = "--arp-htype"},
    {.name = "protocoltype", .type = T::kNumber, .max = kMax16, .use = U::kHex, .option = "--arp-ptype"},
    {.name = "opcode", .type = T::kArpOpcode, .max = kMax16, .option = "--arp-opcode"},
    {.name = "arpsrcmacaddr", .type = T::kMac, .option = "--arp-mac-src", .reversed = "--arp-mac-dst"},
    {.name = "arpdstmacaddr", .type = T::kMac, .option = "--arp-mac-dst", .reversed = "--arp-mac-src"},
    {.name = "arpsrcipaddr", .type = T::kIpv4, .option = "--arp-ip-src", .reversed = "--arp-ip-dst"},
    {.name = "arpsrcipmask", .type = T::kIpv4Mask, .of = "arpsrcipaddr", .join = '/'},
    {.name = "arpdstipaddr", .type = T::kIpv4, .option = "--arp-ip-dst", .reversed = "--arp-ip-src"},
    {.name = "arpdstipmask", .type = T::kIpv4Mask, .of = "arpdstipaddr", .join = '/'},
    {.name = "gratuitous", .type = T::kBool, .use = U::kFlag, .option = "--arp-gratuitous"},
    {.name = "comment", .type = T::kText, .use = U::kNone},
};

constexpr F kIpFields[] = {
    {.name = "srcipaddr", .type = T::kIpv4, .option = "--ip-source", .reversed = "--ip-destination"},
    {.name = "srcipmask", .type = T::kIpv4Mask, .of = "srcipaddr", .join = '/'},
    {.name = "dstipaddr", .type = T::kIpv4, .option = "--ip-destination", .reversed = "--ip-source"},
    {.name = "dstipmask", .type = T::kIpv4Mask, .of = "dstipaddr", .join = '/'},
    {.name = "protocol", .type = T::kIpProtocol, .max = kMax8, .option = "--ip-protocol"},
    {.name = "srcportstart", .type = T::kNumber, .max = kMax16, .option = "--ip-source-port", .reversed = "--ip-destination-port"},
    {.name = "srcportend", .type = T::kNumber, .max = kMax16, .of = "srcportstart", .join = ':'},
    {.name = "dstportstart", .type = T::kNumber, .max = kMax16, .option = "--ip-destination-port", .reversed = "--ip-source-port"},
    {.name = "dstportend", .type = T::kNumber, .max = kMax16, .of = "dstportstart", .join = ':'},
    {.name = "dscp", .type = T::kNumber, .max = 0x3f, .use = U::kHex, .option = "--ip-tos"},
    {.name = "comment", .type = T::kText, .use = U::kNone},
};

constexpr F kIpv6Fields[] = {
    {.name = "srcipaddr", .type = T::kIpv6, .option = "--ip6-source", .reversed = "--ip6-destination"},
    {.name = "srcipmask", .type = T::kIpv6Mask, .of = "srcipaddr", .join = '/'},
    {.name = "dstipaddr", .type = T::kIpv6, .option = "--ip6-destination", .reversed = "--ip6-source"},
    {.name = "dstipmask", .type = T::kIpv6Mask, .of = "dstipaddr", .join = '/'},
    {.name = "protocol", .type = T::kIpProtocol, .max = kMax8, .option = "--ip6-protocol"},
    {.name = "srcportstart", .type = T::kNumber, .max = kMax16, .option = "--ip6-source-port", .reversed = "--ip6-destination-port"},
    {.name = "srcportend", .type = T::kNumber, .max = kMax16, .of = "srcportstart", .join = ':'},
    {.name = "dstportstart", .type = T::kNumber, .max = kMax16, .option = "--ip6-destination-port", .reversed = "--ip6-source-port"},
    {.name = "dstportend", .type = T::kNumber, .max = kMax16, .of = "dstportstart", .join = ':'},
    {.name = "type", .type = T::kNumber, .max = kMax8, .use = U::kIcmpRange, .option = "--ip6-icmp-type"},
    {.name = "typeend", .type = T::kNumber, .max = kMax8, .use = U::kIcmpRange, .sign_of = "type"},
    {.name = "code", .type = T::kNumber, .max = kMax8, .use = U::kIcmpRange, .sign_of = "type"},
    {.name = "codeend", .type = T::kNumber, .max = kMax8, .use = U::kIcmpRange, .sign_of = "type"},
    {.name = "comment", .type = T::kText, .use = U::kNone},
};

// --- what is above IP: iptables ------------------------------------------------------------------

template <T kAddress, T kMask>
constexpr F kAddressFields[] = {
    {.name = "srcmacaddr", .type = T::kMac, .module = "mac", .option = "--mac-source"},
    {.name = "srcipaddr", .type = kAddress, .option = "--source", .reversed = "--destination"},
    {.name = "srcipmask", .type = kMask, .of = "srcipaddr", .join = '/'},
    {.name = "dstipaddr", .type = kAddress, .option = "--destination", .reversed = "--source"},
    {.name = "dstipmask", .type = kMask, .of = "dstipaddr", .join = '/'},
    {.name = "srcipfrom", .type = kAddress, .use = U::kRange, .module = "iprange", .option = "--src-range",
     .reversed = "--dst-range", .instead_of = "srcipaddr"},
    {.name = "srcipto", .type = kAddress, .of = "srcipfrom", .join = '-'},
    {.name = "dstipfrom", .type = kAddress, .use = U::kRange, .module = "iprange", .option = "--dst-range",
     .reversed = "--src-range", .instead_of = "dstipaddr"},
    // IPv4 in all of them: so the original reads it, where only the IPv4-mapped addresses of IPv6 are.
    {.name = "dstipto", .type = T::kIpv4, .of = "dstipfrom", .join = '-'},
    {.name = "dscp", .type = T::kNumber, .max = 0x3f, .module = "dscp", .option = "--dscp"},
    {.name = "connlimit-above", .type = T::kDecimal, .max = kMax16, .use = U::kOutgoing, .module = "connlimit",
     .option = "--connlimit-above"},
    {.name = "state", .type = T::kStates, .use = U::kNone},
    {.name = "ipset", .type = T::kSetName, .use = U::kSet, .module = "set", .option = "--match-set"},
    {.name = "ipsetflags", .type = T::kSetFlags, .use = U::kNone},
};
constexpr std::span<const F> kOverIpv4 = kAddressFields<T::kIpv4, T::kIpv4Mask>;
constexpr std::span<const F> kOverIpv6 = kAddressFields<T::kIpv6, T::kIpv6Mask>;

// The destination's ports are negated when the source's are: so the original does it, and its rules.
constexpr F kPortFields[] = {
    {.name = "srcportstart", .type = T::kNumber, .max = kMax16, .option = "--sport", .reversed = "--dport"},
    {.name = "srcportend", .type = T::kNumber, .max = kMax16, .of = "srcportstart", .join = ':'},
    {.name = "dstportstart", .type = T::kNumber, .max = kMax16, .option = "--dport", .reversed = "--sport", .sign_of = "srcportstart"},
    {.name = "dstportend", .type = T::kNumber, .max = kMax16, .of = "dstportstart", .join = ':', .sign_of = "srcportstart"},
};

constexpr F kTcpFields[] = {
    {.name = "option", .type = T::kNumber, .max = kMax8, .option = "--tcp-option"},
    // Over IPv4 only.
    {.name = "flags", .type = T::kTcpFlags, .use = U::kTcpFlags, .option = "--tcp-flags"},
};

constexpr F kIcmpFields[] = {
    {.name = "type", .type = T::kNumber, .max = kMax8, .use = U::kIcmp, .option = "--icmp-type"},
    {.name = "code", .type = T::kNumber, .max = kMax8, .of = "type", .join = '/'},
};
constexpr F kIcmpv6Fields[] = {
    {.name = "type", .type = T::kNumber, .max = kMax8, .use = U::kIcmp, .option = "--icmpv6-type"},
    {.name = "code", .type = T::kNumber, .max = kMax8, .of = "type", .join = '/'},
};

constexpr F kComment[] = {
    {.name = "comment", .type = T::kText, .use = U::kLate, .module = "comment", .option = "--comment"},
};

using L = FilterLayer;
constexpr FilterProtocol kProtocols[] = {
    {"mac", L::kEthernet, "", "", {kMacPair, kMacFields, kUnusedComment}},
    {"vlan", L::kEthernet, "-p", "0x8100", {kMacPair, kVlanFields, kUnusedComment}},
    {"stp", L::kEthernet, "-d", "01:80:c2:00:00:00", {kMacSource, kStpFields, kUnusedComment}},
    {"arp", L::kEthernet, "-p", "0x806", {kMacPair, kArpFields}, false, true},
    {"rarp", L::kEthernet, "-p", "0x8035", {kMacPair, kArpFields}, false, true},
    {"ip", L::kEthernet, "-p", "ipv4", {kMacPair, kIpFields}, false, true},
    {"ipv6", L::kEthernet, "-p", "ipv6", {kMacPair, kIpv6Fields}, false, true},
    {"tcp", L::kIpv4, "-p", "tcp", {kOverIpv4, kPortFields, kTcpFields, kComment}},
    {"udp", L::kIpv4, "-p", "udp", {kOverIpv4, kPortFields, kComment}},
    {"udplite", L::kIpv4, "-p", "udplite", {kOverIpv4, kComment}},
    {"esp", L::kIpv4, "-p", "esp", {kOverIpv4, kComment}},
    {"ah", L::kIpv4, "-p", "ah", {kOverIpv4, kComment}},
    {"icmp", L::kIpv4, "-p", "icmp", {kOverIpv4, kIcmpFields, kComment}},
    {"igmp", L::kIpv4, "-p", "igmp", {kOverIpv4, kComment}},
    {"sctp", L::kIpv4, "-p", "sctp", {kOverIpv4, kPortFields, kComment}},
    {"all", L::kIpv4, "-p", "all", {kOverIpv4, kComment}, true},
    {"tcp-ipv6", L::kIpv6, "-p", "tcp", {kOverIpv6, kPortFields, std::span(kTcpFields).first<1>(), kComment}},
    {"udp-ipv6", L::kIpv6, "-p", "udp", {kOverIpv6, kPortFields, kComment}},
    {"udplite-ipv6", L::kIpv6, "-p", "udplite", {kOverIpv6, kComment}},
    {"esp-ipv6", L::kIpv6, "-p", "esp", {kOverIpv6, kComment}},
    {"ah-ipv6", L::kIpv6, "-p", "ah", {kOverIpv6, kComment}},
    {"icmpv6", L::kIpv6, "-p", "icmpv6", {kOverIpv6, kIcmpv6Fields, kComment}},
    {"sctp-ipv6", L::kIpv6, "-p", "sctp", {kOverIpv6, kPortFields, kComment}},
    {"all-ipv6", L::kIpv6, "-p", "all", {kOverIpv6, kComment}, true},
};

}  // namespace

const FilterField* FilterProtocol::Find(std::string_view field) const {
  for (auto part : parts) {
    for (const FilterField& f : part) {
      if (f.name == field) return &f;
    }
  }
  return nullptr;
}

std::span<const FilterProtocol> FilterProtocols() { return kProtocols; }

const FilterProtocol* FindFilterProtocol(std::string_view name) {
  for (const FilterProtocol& protocol : kProtocols) {
    if (protocol.name == name) return &protocol;
  }
  return nullptr;
}

}  // namespace bv::model
