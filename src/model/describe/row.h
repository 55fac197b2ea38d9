#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bitmap.h"
#include "base/uuid.h"
#include "base/xml.h"
#include "model/describe/value_type.h"
#include "model/value.h"

// How an XML element is described, once: an array of rows, each of which binds an attribute, the
// text, or a child element to a member of the struct.
//
//   constexpr RowOf<Memballoon> kMemballoonRows[] = {
//       Attr<&Memballoon::model>("model").Required(),
//       Attr<&Memballoon::autodeflate>("autodeflate"),
//       Group("stats", kStatsRows),
//       Include<&Memballoon::info>(kDeviceInfo),
//   };
//   constexpr Description<Memballoon> kMemballoon{kMemballoonRows};
//
// The rows' order is the order of the output; attributes come before children. Rows are plain data
// made at compile time; parsing, formatting and validation are one engine that interprets them
// (engine.h), so that an element costs a table and not code.
namespace bv::model {

class Parser;
class Formatter;
struct Row;

struct RowSpan {
  const Row* rows;
  std::size_t count;
};

enum class RowKind : std::uint8_t {
  // attributes of the element
  kAttr,
  kSizeAttr,   // name='number' unit='KiB'
  // child elements
  kTextChild,  // <name>value</name>
  kTextList,   // <name>value</name>, repeated: a vector of values
  kFlag,       // <name/>: a bool
  kGroup,      // <name>...</name> whose rows bind the same struct
  kChild,      // <name>...</name> with a struct (or vector, optional, unique_ptr of it) of its own
  kSize,       // <name unit='KiB'>number</name>
  // the element as a whole
  kText,       // its text
  kInclude,    // rows of a member, on the same element
  kCustom,     // functions
};

// Which code and domain a bad value has: libvirt has several generations of them.
enum class Fault : std::uint8_t {
  kXml,          // VIR_ERR_XML_ERROR from VIR_FROM_XML: the generic attribute accessors
  kDomainXml,    // VIR_ERR_XML_ERROR from the language's own domain
  kUnsupported,  // VIR_ERR_CONFIG_UNSUPPORTED from the language's own domain
  kInternal,     // VIR_ERR_INTERNAL_ERROR from the language's own domain
  kInvalidArg,   // VIR_ERR_INVALID_ARG from the language's own domain
  kXmlDetail,    // VIR_ERR_XML_DETAIL from the language's own domain
  // Of helpers that know no language, from VIR_FROM_NONE:
  kBitmap,       // VIR_ERR_INVALID_ARG
  kCommonXml,    // VIR_ERR_XML_ERROR
  kCommonUnsupported,  // VIR_ERR_CONFIG_UNSUPPORTED
};

enum RowFlag : std::uint16_t {
  kRequired = 1 << 0,
  kSkipZero = 1 << 1,     // value 0 is not written
  kAlways = 1 << 2,       // written even when 0 or (kGroup, kChild) empty
  kNonZero = 1 << 3,      // 0 is refused
  kLiveOnly = 1 << 4,     // neither parsed nor written in the inactive form
  kSecure = 1 << 5,       // written with kFormatSecure only
  kAnyBase = 1 << 6,      // 0x and 0 prefixes mean something
  kStatusOnly = 1 << 7,   // status XML only
  kParseOnly = 1 << 8,
  kFormatOnly = 1 << 9,
  kLastWins = 1 << 10,    // of several elements the last counts
  kIgnoreBad = 1 << 11,   // a malformed value counts as absent
  kNotEmpty = 1 << 12,    // optional struct: not written when nothing is in it
  kWhenWriting = 1 << 13, // the row's predicate counts for writing only
  kEmptyIsAbsent = 1 << 14,  // an attribute that libvirt reads as an XPath string
  kHexText = 1 << 15,     // digits are hexadecimal even without 0x
};

// How numbers are written.
struct NumberStyle {
  std::uint8_t base = 10;
  std::uint8_t width = 0;  // of the digits; hex gets 0x before them, octal a 0
};

struct ContainerOps {
  void* (*add)(void* container);                      // a new or the one element
  std::size_t (*size)(const void* container);
  const void* (*get)(const void* container, std::size_t i);
  bool many;
};

struct CustomOps {
  void (*parse)(Parser& parser, void* object, const xml::Node& element);
  void (*format)(Formatter& formatter, const void* object);
};

struct SizeSpec {
  std::uint64_t scale;          // bytes per unit of the member
  std::uint64_t default_scale;  // bytes per unit when no unit is given
  const char* unit;             // what is written
};
inline constexpr SizeSpec kKiB{1024, 1024, "KiB"};
inline constexpr SizeSpec kBytes{1, 1, "bytes"};

using AfterParse = void (*)(Parser& parser, void* object, const xml::Node& element);

struct ErasedDescription {
  RowSpan rows;
  AfterParse after = nullptr;
};

// One cache line: an element costs a look at each of its rows.
struct Row {
  constexpr Row() = default;
  constexpr Row(RowKind k, std::string_view n) : name(n), kind(k), name_index(xml::NameIndex(n)) {}

  void* At(void* object) const { return static_cast<char*>(object) + offset; }
  const void* At(const void* object) const { return static_cast<const char*>(object) + offset; }
  RowSpan group() const { return {rows, count}; }

  std::string_view name;  // kCustom: all names it stands for, space separated, attributes with '@'
  const ValueType* type = nullptr;
  union {
    const char* const* names = nullptr;  // spellings of an enum, `count` of them
    const Row* rows;                     // kGroup: `count` rows
    const ErasedDescription* child;
    const CustomOps* custom;
    const SizeSpec* size;
  };
  const ContainerOps* container = nullptr;
  bool (*when)(const void* object) = nullptr;
  std::uint16_t offset = 0;  // of the member in the object
  std::uint16_t count = 0;
  std::uint16_t flags = 0;
  RowKind kind = RowKind::kAttr;
  std::uint8_t name_index = 0;
  Fault fault = Fault::kXml, missing_fault = Fault::kXml;  // of a bad value, of an absent one
  bool positive = false;  // the schema refuses 0
  NumberStyle number;
};
static_assert(sizeof(Row) == 64);

// A row whose members belong to struct T; the same bytes as Row.
template <typename T>
struct RowOf : Row {
  using Row::Row;
  constexpr RowOf With(std::uint16_t flag) const { return Changed([&](RowOf& r) { r.flags |= flag; }); }
  constexpr RowOf Required() const { return With(kRequired); }
  constexpr RowOf SkipZero() const { return With(kSkipZero); }
  constexpr RowOf Always() const { return With(kAlways); }
  constexpr RowOf NonZero() const { return With(kNonZero | kSkipZero); }
  // A number that counts from 1 to the schema, whatever the reader makes of 0.
  constexpr RowOf Positive() const { return Changed([](RowOf& r) { r.positive = true; }); }
  constexpr RowOf LiveOnly() const { return With(kLiveOnly); }
  constexpr RowOf StatusOnly() const { return With(kStatusOnly); }
  constexpr RowOf AnyBase() const { return With(kAnyBase); }
  constexpr RowOf Fails(Fault f) const { return Changed([&](RowOf& r) { r.fault = r.missing_fault = f; }); }
  constexpr RowOf FailsMissing(Fault f) const { return Changed([&](RowOf& r) { r.missing_fault = f; }); }
  constexpr RowOf Hex(int width = 0) const {
    return Changed([&](RowOf& r) { r.number = {16, static_cast<std::uint8_t>(width)}, r.flags |= kAnyBase; });
  }
  constexpr RowOf Octal(int width) const {
    return Changed([&](RowOf& r) { r.number = {8, static_cast<std::uint8_t>(width)}; });
  }
  constexpr RowOf HexText(int width = 0) const { return Hex(width).With(kHexText); }
  // The row counts only for objects that satisfy the predicate (a bool(const T&) function).
  template <auto Predicate>
  constexpr RowOf When() const {
    return Changed([&](RowOf& r) { r.when = [](const void* o) { return static_cast<bool>(Predicate(*static_cast<const T*>(o))); }; });
  }
  template <auto Predicate>
  constexpr RowOf WhenWriting() const {
    return When<Predicate>().With(kWhenWriting);
  }

 private:
  template <typename F>
  constexpr RowOf Changed(F change) const {
    RowOf copy = *this;
    change(copy);
    return copy;
  }
};

template <typename T>
struct Description : ErasedDescription {
  template <std::size_t N>
  constexpr Description(const RowOf<T> (&r)[N]) : ErasedDescription{{r, N}, nullptr} {}
};

// The same with a function that runs when the element was parsed.
template <auto Function, typename T, std::size_t N>
constexpr Description<T> Describe(const RowOf<T> (&rows)[N]) {
  Description<T> d(rows);
  d.after = [](Parser& p, void* o, const xml::Node& n) { Function(p, *static_cast<T*>(o), n); };
  return d;
}

// --- from members to rows ------------------------------------------------------------------------

namespace detail {

template <typename M>
struct MemberOf;
template <typename C, typename V>
struct MemberOf<V C::*> {
  using Class = C;
  using Value = V;
};

// An object that is nowhere: the compiler finds the places of members in it.
template <typename C>
union Nowhere {
  constexpr Nowhere() : bytes{} {}
  constexpr ~Nowhere() {}
  char bytes[sizeof(C)];
  C object;
};
template <typename C>
inline constinit Nowhere<C> nowhere;

template <typename C, typename V>
consteval std::size_t OffsetOf(V C::*member) {
  const void* at = &(nowhere<C>.object.*member);
  std::size_t offset = 0;
  while (at != static_cast<const void*>(&nowhere<C>.bytes[offset])) offset += alignof(V);
  return offset;
}

template <auto M, auto... Rest>
struct Path {
  using Class = typename MemberOf<decltype(M)>::Class;
  using Value = typename Path<Rest...>::Value;
  static constexpr std::size_t kOffset = OffsetOf(M) + Path<Rest...>::kOffset;
};
template <auto M>
struct Path<M> {
  using Class = typename MemberOf<decltype(M)>::Class;
  using Value = typename MemberOf<decltype(M)>::Value;
  static constexpr std::size_t kOffset = OffsetOf(M);
};

// What a container of structs holds.
template <typename V>
struct Contained {
  using Element = V;
  static constexpr ContainerOps kOps{
      [](void* c) { return c; }, [](const void*) -> std::size_t { return 1; },
      [](const void* c, std::size_t) { return c; }, false};
  static constexpr std::uint16_t kFlags = 0;
};
template <typename V>
struct Contained<std::optional<V>> {
  using Element = V;
  static constexpr ContainerOps kOps{
      [](void* c) -> void* { return &static_cast<std::optional<V>*>(c)->emplace(); },
      [](const void* c) -> std::size_t { return static_cast<const std::optional<V>*>(c)->has_value(); },
      [](const void* c, std::size_t) -> const void* { return &**static_cast<const std::optional<V>*>(c); }, false};
  static constexpr std::uint16_t kFlags = kAlways;
};
template <typename V>
struct Contained<std::unique_ptr<V>> {
  using Element = V;
  static constexpr ContainerOps kOps{
      [](void* c) -> void* { return (*static_cast<std::unique_ptr<V>*>(c) = std::make_unique<V>()).get(); },
      [](const void* c) -> std::size_t { return *static_cast<const std::unique_ptr<V>*>(c) != nullptr; },
      [](const void* c, std::size_t) -> const void* { return static_cast<const std::unique_ptr<V>*>(c)->get(); }, false};
  static constexpr std::uint16_t kFlags = kAlways;
};
template <typename V>
struct Contained<std::vector<V>> {
  using Element = V;
  static constexpr ContainerOps kOps{
      [](void* c) -> void* { return &static_cast<std::vector<V>*>(c)->emplace_back(); },
      [](const void* c) { return static_cast<const std::vector<V>*>(c)->size(); },
      [](const void* c, std::size_t i) -> const void* { return &(*static_cast<const std::vector<V>*>(c))[i]; }, true};
  static constexpr std::uint16_t kFlags = kAlways;
};
template <typename V>
struct Contained<std::vector<std::unique_ptr<V>>> {
  using Element = V;
  static constexpr ContainerOps kOps{
      [](void* c) -> void* {
        return static_cast<std::vector<std::unique_ptr<V>>*>(c)->emplace_back(std::make_unique<V>()).get();
      },
      [](const void* c) { return static_cast<const std::vector<std::unique_ptr<V>>*>(c)->size(); },
      [](const void* c, std::size_t i) -> const void* {
        return (*static_cast<const std::vector<std::unique_ptr<V>>*>(c))[i].get();
      }, true};
  static constexpr std::uint16_t kFlags = kAlways;
};

template <typename V, typename T>
constexpr void SetType(RowOf<T>& row) {
  row.type = TypeFor<V>::type;
  row.names = TypeFor<V>::names.names;
  row.count = TypeFor<V>::names.count;
}

template <auto... M>
constexpr auto MemberRow(RowKind kind, std::string_view name) {
  RowOf<typename Path<M...>::Class> row(kind, name);
  static_assert(Path<M...>::kOffset <= UINT16_MAX);
  row.offset = Path<M...>::kOffset;
  return row;
}
template <auto... M>
constexpr auto ValueRow(RowKind kind, std::string_view name) {
  auto row = MemberRow<M...>(kind, name);
  SetType<typename Path<M...>::Value>(row);
  return row;
}

template <auto Parse, auto Format, typename T>
inline constexpr CustomOps kCustomOps{
    [](Parser& p, void* o, const xml::Node& n) { Parse(p, *static_cast<T*>(o), n); },
    [](Formatter& f, const void* o) { Format(f, *static_cast<const T*>(o)); }};

template <typename F>
struct ParseOwner;
template <typename T>
struct ParseOwner<void (*)(Parser&, T&, const xml::Node&)> {
  using Type = T;
};

}  // namespace detail

// name='value'
template <auto... M>
constexpr auto Attr(std::string_view name) {
  return detail::ValueRow<M...>(RowKind::kAttr, name);
}
// The text of the element itself.
template <auto... M>
constexpr auto Text() {
  return detail::ValueRow<M...>(RowKind::kText, {});
}
// <name>value</name>
template <auto... M>
constexpr auto TextChild(std::string_view name) {
  return detail::ValueRow<M...>(RowKind::kTextChild, name);
}
// <name>value</name>, repeated
template <auto... M>
constexpr auto TextList(std::string_view name) {
  using C = detail::Contained<typename detail::Path<M...>::Value>;
  auto row = detail::MemberRow<M...>(RowKind::kTextList, name);
  detail::SetType<typename C::Element>(row);
  row.container = &C::kOps;
  return row;
}
// <name/>
template <auto... M>
constexpr auto Flag(std::string_view name) {
  return detail::ValueRow<M...>(RowKind::kFlag, name);
}
// <name unit='KiB'>number</name>
template <auto... M>
constexpr auto Size(std::string_view name, const SizeSpec& spec) {
  auto row = detail::ValueRow<M...>(RowKind::kSize, name);
  row.size = &spec;
  return row;
}
// name='number' unit='KiB'
template <auto... M>
constexpr auto SizeAttr(std::string_view name, const SizeSpec& spec) {
  auto row = detail::ValueRow<M...>(RowKind::kSizeAttr, name);
  row.size = &spec;
  return row;
}
// <name> with rows of the same struct; not written when empty.
template <typename T, std::size_t N>
constexpr RowOf<T> Group(std::string_view name, const RowOf<T> (&rows)[N]) {
  RowOf<T> row(RowKind::kGroup, name);
  row.rows = rows;
  row.count = N;
  return row;
}
// <name> with a struct of its own. A plain member is not written when it comes out empty; of
// optional, unique_ptr and vector members every element is.
template <auto... M>
constexpr auto Child(std::string_view name,
                     const Description<typename detail::Contained<typename detail::Path<M...>::Value>::Element>& description) {
  using C = detail::Contained<typename detail::Path<M...>::Value>;
  auto row = detail::MemberRow<M...>(RowKind::kChild, name);
  row.flags = C::kFlags;
  row.child = &description;
  row.container = &C::kOps;
  return row;
}
// The rows of a member's description, on this element.
template <auto... M>
constexpr auto Include(const Description<typename detail::Path<M...>::Value>& description) {
  auto row = detail::MemberRow<M...>(RowKind::kInclude, {});
  row.child = &description;
  return row;
}
// More rows of the same struct, on this element.
template <typename T>
constexpr RowOf<T> IncludeSame(const Description<T>& description) {
  RowOf<T> row(RowKind::kInclude, {});
  row.child = &description;
  return row;
}
// What rows cannot say. Parse is void(Parser&, T&, const xml::Node& element), called once with the
// element that the row belongs to; Format is void(Formatter&, const T&). `names` lists what they
// deal with: "source @type".
template <auto Parse, auto Format>
constexpr auto Custom(std::string_view names) {
  using T = typename detail::ParseOwner<decltype(+Parse)>::Type;
  RowOf<T> row(RowKind::kCustom, names);
  row.custom = &detail::kCustomOps<Parse, Format, T>;
  return row;
}

}  // namespace bv::model
