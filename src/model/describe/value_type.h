#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bitmap.h"
#include "base/uuid.h"
#include "model/value.h"

// Values that stand in attributes and text, type-erased for the rows of a description.
namespace bv::model {

struct Row;

struct EnumNames {
  const char* const* names = nullptr;
  std::size_t count = 0;
};

// How a value shows, without a call, that it has not been given: most have not.
enum class Unset : std::uint8_t {
  kAskFormat,
  kEnum,
  kString,
  kNumber32,
  kOptional32,
  kOptional64,
};

struct ValueType {
  // Reads `text` into the value; false when it is malformed or out of range.
  bool (*parse)(void* value, std::string_view text, const Row& row);
  // The value's text; nullopt when it is absent. `scratch` is where to make it.
  std::optional<std::string_view> (*format)(const void* value, std::string& scratch, const Row& row);
  // Completes "Expected ..." in an error; may be empty.
  const char* expected;
  Unset unset = Unset::kAskFormat;
};

extern const ValueType kStringValue, kOptionalStringValue, kBoolValue, kEnumValue, kUuidValue, kOptionalUuidValue,
    kBitmapValue, kOptionalBitmapValue, kOptionalMacValue;
extern const ValueType kUint8Value, kUint32Value, kUint64Value, kInt32Value, kInt64Value;
extern const ValueType kOptionalUint32Value, kOptionalUint64Value, kOptionalInt32Value, kOptionalInt64Value;

template <typename V>
struct TypeFor {
  static_assert(std::is_enum_v<V>, "no value type for this member");
  static constexpr const ValueType* type = &kEnumValue;
  static constexpr EnumNames names{Spelling<V>::kNames, std::size(Spelling<V>::kNames)};
};

namespace detail {
template <const ValueType& Type>
struct PlainType {
  static constexpr const ValueType* type = &Type;
  static constexpr EnumNames names{};
};
}  // namespace detail

template <> struct TypeFor<std::string> : detail::PlainType<kStringValue> {};
template <> struct TypeFor<std::optional<std::string>> : detail::PlainType<kOptionalStringValue> {};
template <> struct TypeFor<bool> : detail::PlainType<kBoolValue> {};
template <> struct TypeFor<Uuid> : detail::PlainType<kUuidValue> {};
template <> struct TypeFor<std::optional<Uuid>> : detail::PlainType<kOptionalUuidValue> {};
template <> struct TypeFor<Bitmap> : detail::PlainType<kBitmapValue> {};
template <> struct TypeFor<std::optional<Bitmap>> : detail::PlainType<kOptionalBitmapValue> {};
template <> struct TypeFor<std::optional<MacAddress>> : detail::PlainType<kOptionalMacValue> {};
template <> struct TypeFor<std::uint8_t> : detail::PlainType<kUint8Value> {};
template <> struct TypeFor<std::uint32_t> : detail::PlainType<kUint32Value> {};
template <> struct TypeFor<std::uint64_t> : detail::PlainType<kUint64Value> {};
template <> struct TypeFor<std::int32_t> : detail::PlainType<kInt32Value> {};
template <> struct TypeFor<std::int64_t> : detail::PlainType<kInt64Value> {};
template <> struct TypeFor<std::optional<std::uint32_t>> : detail::PlainType<kOptionalUint32Value> {};
template <> struct TypeFor<std::optional<std::uint64_t>> : detail::PlainType<kOptionalUint64Value> {};
template <> struct TypeFor<std::optional<std::int32_t>> : detail::PlainType<kOptionalInt32Value> {};
template <> struct TypeFor<std::optional<std::int64_t>> : detail::PlainType<kOptionalInt64Value> {};

// "-12", "0x1f": the whole text is the number. Base 0 takes 0x and leading 0.
template <typename I>
std::optional<I> ParseNumber(std::string_view text, int base = 10);
extern template std::optional<std::uint32_t> ParseNumber(std::string_view, int);
extern template std::optional<std::uint64_t> ParseNumber(std::string_view, int);
extern template std::optional<std::int32_t> ParseNumber(std::string_view, int);
extern template std::optional<std::int64_t> ParseNumber(std::string_view, int);

// Multiplies by the unit ("KiB", "MB", "bytes"; empty means `default_scale`); the result is in bytes.
// An unknown unit throws kInvalidArg, an overflow kOverflow (both from VIR_FROM_NONE).
std::uint64_t ScaleToBytes(std::uint64_t value, std::string_view unit, std::uint64_t default_scale);

// Whether ScaleToBytes() knows the unit.
bool IsSizeUnit(std::string_view unit);

}  // namespace bv::model
