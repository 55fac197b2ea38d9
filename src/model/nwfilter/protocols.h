#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// The language of a filter's rules as one table: which protocols there are, which attributes each has, what
// values these take, and how they become arguments of ebtables or iptables. Reading, writing, checking and
// making rules all follow from it.
namespace bv::model {

enum class FilterFieldType : std::uint8_t {
  kMac, kMacMask, kIpv4, kIpv4Mask, kIpv6, kIpv6Mask,
  kNumber,      // decimal or hexadecimal, and written back as it was read
  kDecimal,
  kEtherType,   // a number, or the name of a protocol above Ethernet
  kArpOpcode,   // a number or a name
  kIpProtocol,  // a number or a name
  kBool, kTcpFlags, kStates, kText, kSetName, kSetFlags,
};

// How a field becomes arguments.
enum class FilterFieldUse : std::uint8_t {
  kPlain,     // OPTION VALUE
  kHex,       // the same, numbers in base 16
  kFlag,      // OPTION, if the value is true
  kTcpFlags,  // OPTION MASK FLAGS
  kIcmp,      // type and code of ICMP, with what they imply about the direction
  kIcmpRange, // a range of types and one of codes, which go together
  kRange,     // OPTION FROM-TO, unless there is the address that `instead_of` names
  kLate,      // after what is said about states
  kOutgoing,  // late, and only in rules for what the guest sends
  kSet,       // late: OPTION NAME FLAGS
  kNone,
};

struct FilterField {
  std::string_view name;
  FilterFieldType type;
  std::uint32_t max = 0, min = 0;
  FilterFieldUse use = FilterFieldUse::kPlain;
  std::string_view module;    // the match of iptables that has the option, where it must be named
  std::string_view option;
  std::string_view reversed;  // the option in the other direction, where it differs
  std::string_view of;        // the field that this one continues, as a mask does its address
  char join = 0;              // what stands between the two
  std::string_view sign_of;   // whether it is negated is as with that field
  std::string_view instead_of;
};

enum class FilterLayer : std::uint8_t { kEthernet, kIpv4, kIpv6 };

struct FilterProtocol {
  std::string_view name;  // the element
  FilterLayer layer;
  std::string_view option, value;  // how packets of the protocol are told
  std::span<const FilterField> parts[4];  // together in the order in which they are written
  bool sets = false;  // <all>, where what is said of sets is taken as it is
  bool own_signs = false;  // a mask of MAC addresses, or of anything in ARP, is negated by itself

  const FilterField* Find(std::string_view field) const;
};

std::span<const FilterProtocol> FilterProtocols();
const FilterProtocol* FindFilterProtocol(std::string_view name);

}  // namespace bv::model
