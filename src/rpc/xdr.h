#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

// The C++ shapes of what XDR (RFC 4506) carries on libvirt's wire. A payload is a plain struct of
// these, in wire order, with XDR_FIELDS naming its members once more:
//
//   struct DomainSetMemoryArgs {
//     NonnullDomain dom;
//     uint64_t memory = 0;
//     XDR_FIELDS(dom, memory)
//   };
//
//   int32_t uint32_t int64_t uint64_t double enum     as they are
//   char uint8_t uint16_t bool                         four bytes each on this wire
//   std::string                                        at most kStringMax bytes; ends at its first NUL
//   Uuid                                               16 bytes
//   std::optional<T>                                   a word that is 0 or not, then the value
//   the types below                                    carry their limit or length
//
// Everything else (codec, limits, smallest size) follows from the struct: see rpc/xdr_describe.h.

namespace bv::xdr {

inline constexpr uint32_t kStringMax = 4194304;

// Up to kMaxCount elements.
template <typename T, uint32_t kMaxCount>
struct List : std::vector<T> {
  static constexpr uint32_t kMax = kMaxCount;
  using std::vector<T>::vector;
  List() = default;
  List(std::vector<T> elements) : std::vector<T>(std::move(elements)) {}
};

// Up to kMaxSize bytes.
template <uint32_t kMaxSize>
struct Opaque : std::vector<uint8_t> {
  static constexpr uint32_t kMax = kMaxSize;
  using std::vector<uint8_t>::vector;
  Opaque() = default;
  Opaque(std::vector<uint8_t> bytes) : std::vector<uint8_t>(std::move(bytes)) {}
  explicit Opaque(std::string_view text) : std::vector<uint8_t>(text.begin(), text.end()) {}
  std::string_view text() const { return {reinterpret_cast<const char*>(data()), size()}; }
};

// A string with a limit of its own.
template <uint32_t kMaxSize>
struct Text : std::string {
  static constexpr uint32_t kMax = kMaxSize;
  using std::string::string;
  Text() = default;
  Text(std::string text) : std::string(std::move(text)) {}
};

// An array of XDR char: up to kMaxSize bytes, four bytes each on the wire; may hold NULs.
template <uint32_t kMaxSize>
struct Chars : std::string {
  static constexpr uint32_t kMax = kMaxSize;
  using std::string::string;
  Chars() = default;
  Chars(std::string text) : std::string(std::move(text)) {}
};

// Exactly kLength XDR chars.
template <uint32_t kLength>
struct CharArray : std::array<char, kLength> {
  // Cut or filled up with NULs, the last one always.
  void Assign(std::string_view text) {
    this->fill(0);
    text.copy(this->data(), kLength - 1);
  }
};

}  // namespace bv::xdr

// Names a payload struct's members in wire order, which is the order they are declared in; a test
// and the codec check both.
#define XDR_FIELDS(...)                                     \
  static constexpr const char kFieldNames[] = #__VA_ARGS__; \
  static constexpr auto Fields(auto& s) { return std::tie(XDR_EXPAND_(XDR_EACH_(__VA_ARGS__))); }

// "s.a, s.b, s.c" of (a, b, c), up to 64 members: the preprocessor has no loops, so each rescan by
// XDR_EXPAND_ takes off one more.
#define XDR_EACH_(first, ...) s.first __VA_OPT__(, XDR_AGAIN_ XDR_PARENS_(__VA_ARGS__))
#define XDR_AGAIN_() XDR_EACH_
#define XDR_PARENS_ ()
#define XDR_EXPAND_(...) XDR_EXPAND_3_(XDR_EXPAND_3_(XDR_EXPAND_3_(XDR_EXPAND_3_(__VA_ARGS__))))
#define XDR_EXPAND_3_(...) XDR_EXPAND_2_(XDR_EXPAND_2_(XDR_EXPAND_2_(XDR_EXPAND_2_(__VA_ARGS__))))
#define XDR_EXPAND_2_(...) XDR_EXPAND_1_(XDR_EXPAND_1_(XDR_EXPAND_1_(XDR_EXPAND_1_(__VA_ARGS__))))
#define XDR_EXPAND_1_(...) __VA_ARGS__
