#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error_codes.h"
#include "base/uuid.h"
#include "model/net_common.h"
#include "model/nwfilter/protocols.h"
#include "model/value.h"

namespace bv::xml {
struct Node;
class Writer;
}

// <filter>: rules about what may pass a guest's interface, and references to more such filters.
namespace bv::model {

enum class FilterAction : std::uint8_t { kDrop, kAccept, kReject, kReturn, kContinue };
template <>
struct Spelling<FilterAction> {
  static constexpr const char* kNames[] = {"drop", "accept", "reject", "return", "continue"};
};
enum class FilterDirection : std::uint8_t { kIn, kOut, kInOut };
template <>
struct Spelling<FilterDirection> {
  static constexpr const char* kNames[] = {"in", "out", "inout"};
};

// $NAME, where lists are gone through: side by side those with the same iterator, each with each those
// with different ones ($NAME[@1]); or one element of a list ($NAME[2]).
struct FilterVariable {
  std::string name;
  std::optional<unsigned> element;
  unsigned iterator = 0;

  static std::optional<FilterVariable> Parse(std::string_view text);
  std::string ToString() const;  // without the $
  bool operator==(const FilterVariable&) const = default;
};

// One attribute of a rule's protocol.
struct FilterMatch {
  const FilterField* field = nullptr;
  bool negated = false;
  std::optional<FilterVariable> variable;  // if there is one, it is the value
  std::uint32_t number = 0;  // of numbers, and masks of IP addresses as lengths
  bool hex = false;          // written in base 16
  std::string text;          // of everything else, in canonical form

  // As in XML.
  std::string ToString() const;
};

inline constexpr unsigned kNewState = 1, kEstablishedState = 2, kRelatedState = 4, kInvalidState = 8, kNoState = 16;

struct FilterRule {
  FilterAction action = FilterAction::kDrop;
  FilterDirection direction = FilterDirection::kIn;
  int priority = 500;
  bool stateful = true;
  unsigned states = 0;  // kNewState ..., that the rule itself names
  const FilterProtocol* protocol = nullptr;  // null matches everything
  std::vector<FilterMatch> matches;          // in the order of the protocol's table

  const FilterMatch* Find(std::string_view field) const;
};

struct FilterDef {
  std::string name;
  Uuid uuid;  // made when the document has none
  bool has_uuid = true;  // false where it was made
  std::string chain = "root";
  int chain_priority = 0;
  std::vector<std::variant<FilterRef, FilterRule>> entries;
};

inline constexpr int kMinFilterPriority = -1000, kMaxFilterPriority = 1000;

// Faults have domain kNwfilter, most of them code kInternalError; with `validate` what the schema does not know is refused.
FilterDef ParseFilter(std::string_view xml, bool validate);
// Clients are not told of a priority of 0, as by the original; `whole` is for files, where it must not be lost.
std::string FormatFilter(const FilterDef& filter, bool whole = false);

// The parts, for filter.cc and binding.cc.
void ReadFilterRule(const xml::Node& element, FilterRule* rule);
void WriteFilterRule(xml::Writer& out, const FilterRule& rule);
void ReadFilterMatch(const FilterField& field, std::string_view text, FilterMatch* match);  // throws where the value is not one
void ReadFilterRef(const xml::Node& element, FilterRef* ref);
void WriteFilterRef(xml::Writer& out, const FilterRef& ref);
bool IsFilterParameterName(std::string_view text);

}  // namespace bv::model
