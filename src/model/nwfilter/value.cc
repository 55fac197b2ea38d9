// Values of rules' attributes: from XML, and back.

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/error.h"
#include "base/ip.h"
#include "base/text.h"
#include "model/describe/value_type.h"
#include "model/nwfilter/filter.h"

namespace bv::model {

namespace {

using T = FilterFieldType;

struct Named {
  std::string_view name;
  std::uint32_t value;
};
constexpr Named kEtherTypes[] = {{"ipv4", 0x800}, {"ipv6", 0x86dd}, {"arp", 0x806}, {"rarp", 0x8035}, {"vlan", 0x8100}};
constexpr Named kOpcodes[] = {{"Request", 1}, {"Reply", 2}, {"Request_Reverse", 3}, {"Reply_Reverse", 4},
                              {"DRARP_Request", 5}, {"DRARP_Reply", 6}, {"DRARP_Error", 7}, {"InARP_Request", 8},
                              {"ARP_NAK", 9}};
constexpr Named kIpProtocols[] = {{"tcp", 6}, {"udp", 17}, {"udplite", 136}, {"esp", 50}, {"ah", 51},
                                  {"icmp", 1}, {"igmp", 2}, {"sctp", 132}, {"icmpv6", 58}};
constexpr Named kTcpFlagNames[] = {{"FIN", 1}, {"SYN", 2}, {"RST", 4}, {"PSH", 8}, {"ACK", 16}, {"URG", 32}, {"ALL", 63}, {"NONE", 0}};
constexpr Named kStateNames[] = {{"NEW", kNewState}, {"ESTABLISHED", kEstablishedState}, {"RELATED", kRelatedState},
                                 {"INVALID", kInvalidState}, {"NONE", kNoState}};
constexpr std::size_t kMaxComment = 255, kMaxSetName = 31, kMaxSetFlags = 6;

std::span<const Named> NamesOf(T type) {
  switch (type) {
    case T::kEtherType: return kEtherTypes;
    case T::kArpOpcode: return kOpcodes;
    case T::kIpProtocol: return kIpProtocols;
    default: return {};
  }
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y)); });
}

const Named* FindName(std::span<const Named> names, std::string_view text) {
  auto found = std::ranges::find_if(names, [&](auto& n) { return EqualIgnoringCase(n.name, text); });
  return found == names.end() ? nullptr : &*found;
}

std::string_view WithoutSpaceAround(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// "A,B": the names' values together; nullopt when one is unknown.
std::optional<unsigned> Mask(std::span<const Named> names, std::string_view text) {
  unsigned mask = 0;
  for (std::string_view part : SplitAt(text, ',')) {
    const Named* name = FindName(names, WithoutSpaceAround(part));
    if (!name) return std::nullopt;
    mask |= name->value;
  }
  return mask;
}

std::string NamesIn(std::span<const Named> names, unsigned mask) {
  std::string out;
  for (const Named& name : names) {
    if (name.value == 0 || (mask & name.value) != name.value) continue;
    if (!out.empty()) out += ',';
    out += name.name;
  }
  return out;
}

std::string TcpFlags(unsigned mask) {
  if (mask == 63) return "ALL";
  return mask == 0 ? "NONE" : NamesIn(std::span(kTcpFlagNames).first(6), mask);
}

bool ReadTcpFlags(std::string_view text, FilterMatch* m) {
  std::size_t slash = text.find('/');
  if (slash == text.npos) return false;
  auto mask = Mask(kTcpFlagNames, text.substr(0, slash)), flags = Mask(kTcpFlagNames, text.substr(slash + 1));
  if (!mask || !flags) return false;
  m->text = TcpFlags(*mask) + "/" + TcpFlags(*flags);
  return true;
}

bool ReadNumber(const FilterField& field, std::string_view text, FilterMatch* m) {
  m->hex = field.type != T::kDecimal && (text.starts_with("0x") || text.starts_with("0X"));
  auto number = ParseNumber<std::uint32_t>(text, m->hex ? 16 : 10);
  if (!number || *number > field.max) return false;
  m->number = *number;
  auto names = NamesOf(field.type);
  bool named = std::ranges::any_of(names, [&](auto& n) { return n.value == *number; });
  return named || *number >= field.min;
}

bool ReadMac(std::string_view text, bool mask, FilterMatch* m) {
  auto mac = MacAddress::Parse(text);
  if (!mac) return false;
  if (mask) {
    std::uint64_t bits = 0;
    for (std::uint8_t byte : mac->bytes) bits = bits << 8 | byte;
    std::uint64_t gap = ~bits & 0xffffffffffff;
    if (gap & (gap + 1)) return false;  // ones, then zeros
  }
  char buffer[18];
  m->text = mac->FormatTo(buffer);
  return true;
}

bool ReadIp(std::string_view text, bool v4, FilterMatch* m) {
  auto ip = Ip::Parse(text);
  if (!ip) return false;
  m->text = ip->ToString();
  if (ip->v4() == v4) return true;
  // An IPv4-mapped address of IPv6 is one of IPv4.
  constexpr std::string_view kMapped = "::ffff:";
  if (!v4 || !m->text.starts_with(kMapped) || m->text.find('.') == m->text.npos) return false;
  m->text.erase(0, kMapped.size());
  return true;
}

// A length, or what has that many bits set.
bool ReadIpMask(std::string_view text, bool v4, FilterMatch* m) {
  if (auto length = ParseNumber<std::uint32_t>(text)) {
    m->number = *length;
    return *length <= (v4 ? 32u : 128u);
  }
  auto mask = Ip::Parse(text);
  auto length = mask && mask->v4() == v4 ? mask->PrefixOfMask() : std::nullopt;
  if (length) m->number = *length;
  return length.has_value();
}

bool ReadSetFlags(std::string_view text, FilterMatch* m) {
  auto parts = SplitAt(text, ',');
  if (parts.empty() || parts.size() > kMaxSetFlags || text.ends_with(',')) return false;
  for (std::string_view part : parts) {
    bool source = EqualIgnoringCase(part, "src");
    if (!source && !EqualIgnoringCase(part, "dst")) return false;
    if (!m->text.empty()) m->text += ',';
    m->text += source ? "src" : "dst";
  }
  return true;
}

bool ReadValue(const FilterField& field, std::string_view text, FilterMatch* m) {
  switch (field.type) {
    case T::kMac: return ReadMac(text, false, m);
    case T::kMacMask: return ReadMac(text, true, m);
    case T::kIpv4: return ReadIp(text, true, m);
    case T::kIpv6: return ReadIp(text, false, m);
    case T::kIpv4Mask: return ReadIpMask(text, true, m);
    case T::kIpv6Mask: return ReadIpMask(text, false, m);
    case T::kEtherType: case T::kArpOpcode: case T::kIpProtocol:
      if (const Named* name = FindName(NamesOf(field.type), text)) return m->number = name->value, true;
      return ReadNumber(field, text, m);
    case T::kNumber: case T::kDecimal: return ReadNumber(field, text, m);
    case T::kBool:
      m->number = text == "true" || text == "yes" || text == "1";
      return true;
    case T::kTcpFlags: return ReadTcpFlags(text, m);
    case T::kStates: {
      auto states = Mask(kStateNames, text);
      if (states) m->number = *states, m->text = (*states & kNoState) ? "NONE" : NamesIn(kStateNames, *states);
      return states.has_value();
    }
    case T::kText: m->text = text.substr(0, kMaxComment); return true;
    case T::kSetName: m->text = text; return text.size() <= kMaxSetName;
    case T::kSetFlags: return ReadSetFlags(text, m);
  }
  return false;
}

}  // namespace

bool IsFilterParameterName(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::optional<FilterVariable> FilterVariable::Parse(std::string_view text) {
  FilterVariable variable;
  std::size_t end = std::min(text.find('['), text.size());
  variable.name = text.substr(0, end);
  if (!IsFilterParameterName(variable.name)) return std::nullopt;
  if (end == text.size()) return variable;
  text.remove_prefix(end + 1);
  end = text.find(']');
  if (end == text.npos) return std::nullopt;
  text = WithoutSpaceAround(text.substr(0, end));
  bool iterates = text.starts_with('@');
  if (iterates) text.remove_prefix(1);
  auto number = ParseNumber<std::uint32_t>(text);
  if (!number) return std::nullopt;
  if (iterates) variable.iterator = *number;
  else variable.element = *number;
  return variable;
}

std::string FilterVariable::ToString() const {
  if (element) return name + "[" + std::to_string(*element) + "]";
  return iterator ? name + "[@" + std::to_string(iterator) + "]" : name;
}

void ReadFilterMatch(const FilterField& field, std::string_view text, FilterMatch* match) {
  match->field = &field;
  bool good;
  // A comment is its text whatever that begins with, when it comes to rules.
  if (text.starts_with('$')) {
    match->variable = FilterVariable::Parse(text.substr(1));
    good = match->variable.has_value();
  } else {
    good = ReadValue(field, text, match);
  }
  if (!good) {
    throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError,
                std::string(field.name) + " has illegal value " + std::string(text));
  }
}

std::string FilterMatch::ToString() const {
  if (variable) return "$" + variable->ToString();
  switch (field->type) {
    case T::kEtherType: case T::kArpOpcode: case T::kIpProtocol:
      for (const Named& name : NamesOf(field->type)) {
        if (name.value == number) return std::string(name.name);
      }
      [[fallthrough]];
    case T::kNumber: case T::kDecimal: {
      // Opcodes have lost their base.
      if (!hex || field->type == T::kArpOpcode) return std::to_string(number);
      char digits[16];
      int size = snprintf(digits, sizeof digits, "0x%x", number);
      return std::string(digits, static_cast<std::size_t>(size));
    }
    case T::kIpv4Mask: case T::kIpv6Mask: return std::to_string(number);
    case T::kBool: return number ? "true" : "false";
    default: return text;
  }
}

}  // namespace bv::model
