#include "model/describe/value_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/error.h"
#include "model/describe/row.h"

namespace bv::model {

namespace {

template <typename T>
const T& As(const void* value) {
  return *static_cast<const T*>(value);
}
template <typename T>
T& As(void* value) {
  return *static_cast<T*>(value);
}

using Formatted = std::optional<std::string_view>;

template <typename I>
Formatted FormatNumber(I value, std::string& scratch, const Row& row) {
  constexpr std::size_t kDigits = 24, kMostZeros = 16;
  char text[2 + kMostZeros + kDigits];
  char* digits = text + 2 + kMostZeros;
  auto size = static_cast<std::size_t>(std::to_chars(digits, std::end(text), value, row.number.base).ptr - digits);
  if (row.number.base != 10) {
    for (std::size_t width = std::min<std::size_t>(row.number.width, kMostZeros); size < width; ++size) *--digits = '0';
    if (row.number.base == 16) *--digits = 'x', ++size;
    *--digits = '0', ++size;
  }
  return scratch.assign(digits, size);
}

template <typename I>
bool ParseNumberValue(void* value, std::string_view text, const Row& row) {
  int base = (row.flags & kHexText) ? 16 : (row.flags & kAnyBase) ? 0 : row.number.base == 8 ? 8 : 10;
  auto number = ParseNumber<I>(text, base);
  if (!number || ((row.flags & kNonZero) && *number == 0)) return false;
  As<I>(value) = *number;
  return true;
}
template <typename I>
Formatted FormatNumberValue(const void* value, std::string& scratch, const Row& row) {
  if (As<I>(value) == 0 && !(row.flags & kAlways)) return std::nullopt;
  return FormatNumber(As<I>(value), scratch, row);
}
template <typename I>
bool ParseOptionalNumber(void* value, std::string_view text, const Row& row) {
  I number = 0;
  if (!ParseNumberValue<I>(&number, text, row)) return false;
  As<std::optional<I>>(value) = number;
  return true;
}
template <typename I>
Formatted FormatOptionalNumber(const void* value, std::string& scratch, const Row& row) {
  auto& number = As<std::optional<I>>(value);
  if (!number) return std::nullopt;
  return FormatNumber(*number, scratch, row);
}

constexpr char kUnsignedText[] = "non-negative integer value";
constexpr char kSignedText[] = "integer value";

}  // namespace

const ValueType kStringValue{
    [](void* value, std::string_view text, const Row&) {
      As<std::string>(value) = text;
      return true;
    },
    [](const void* value, std::string&, const Row& row) -> Formatted {
      auto& text = As<std::string>(value);
      if (text.empty() && !(row.flags & kAlways)) return std::nullopt;
      return text;
    },
    "",
    Unset::kString};

const ValueType kOptionalStringValue{
    [](void* value, std::string_view text, const Row&) {
      As<std::optional<std::string>>(value) = std::string(text);
      return true;
    },
    [](const void* value, std::string&, const Row&) -> Formatted {
      auto& text = As<std::optional<std::string>>(value);
      if (!text) return std::nullopt;
      return *text;
    },
    ""};

const ValueType kBoolValue{
    [](void* value, std::string_view text, const Row&) {
      if (text != "yes" && text != "no") return false;
      As<bool>(value) = text == "yes";
      return true;
    },
    [](const void* value, std::string&, const Row& row) -> Formatted {
      if (!As<bool>(value) && !(row.flags & kAlways)) return std::nullopt;
      return As<bool>(value) ? "yes" : "no";
    },
    "'yes' or 'no'"};

const ValueType kEnumValue{
    [](void* value, std::string_view text, const Row& row) {
      auto found = FindSpelling(row.names, row.count, text);
      if (!found || (*found == 0 && (row.flags & kNonZero))) return false;
      As<std::uint8_t>(value) = *found;
      return true;
    },
    [](const void* value, std::string&, const Row& row) -> Formatted {
      std::uint8_t index = As<std::uint8_t>(value);
      if (index == 0 && (row.flags & kSkipZero)) return std::nullopt;
      const char* name = row.names[index];
      if (!*name) return std::nullopt;
      return name;
    },
    "",
    Unset::kEnum};

const ValueType kUuidValue{
    [](void* value, std::string_view text, const Row&) {
      auto uuid = Uuid::Parse(text);
      if (uuid) As<Uuid>(value) = *uuid;
      return uuid.has_value();
    },
    [](const void* value, std::string& scratch, const Row&) -> Formatted { return scratch = As<Uuid>(value).ToString(); },
    "a UUID"};
const ValueType kOptionalUuidValue{
    [](void* value, std::string_view text, const Row&) {
      auto uuid = Uuid::Parse(text);
      if (uuid) As<std::optional<Uuid>>(value) = uuid;
      return uuid.has_value();
    },
    [](const void* value, std::string& scratch, const Row&) -> Formatted {
      auto& uuid = As<std::optional<Uuid>>(value);
      if (!uuid) return std::nullopt;
      return scratch = uuid->ToString();
    },
    "a UUID"};

const ValueType kBitmapValue{
    [](void* value, std::string_view text, const Row&) {
      auto bitmap = Bitmap::Parse(text);
      if (!bitmap || bitmap->empty()) return false;
      As<Bitmap>(value) = *std::move(bitmap);
      return true;
    },
    [](const void* value, std::string& scratch, const Row&) -> Formatted {
      scratch = As<Bitmap>(value).Format();
      if (scratch.empty()) return std::nullopt;
      return scratch;
    },
    "a list of numbers"};
const ValueType kOptionalBitmapValue{
    [](void* value, std::string_view text, const Row&) {
      auto bitmap = Bitmap::Parse(text);
      if (!bitmap || bitmap->empty()) return false;
      As<std::optional<Bitmap>>(value) = std::move(bitmap);
      return true;
    },
    [](const void* value, std::string& scratch, const Row&) -> Formatted {
      auto& bitmap = As<std::optional<Bitmap>>(value);
      if (!bitmap) return std::nullopt;
      return scratch = bitmap->Format();
    },
    "a list of numbers"};

const ValueType kOptionalMacValue{
    [](void* value, std::string_view text, const Row&) {
      auto mac = MacAddress::Parse(text);
      if (mac) As<std::optional<MacAddress>>(value) = mac;
      return mac.has_value();
    },
    [](const void* value, std::string& scratch, const Row&) -> Formatted {
      auto& mac = As<std::optional<MacAddress>>(value);
      if (!mac) return std::nullopt;
      char buffer[18];
      return scratch = mac->FormatTo(buffer);
    },
    "a MAC address"};

const ValueType kUint8Value{
    [](void* value, std::string_view text, const Row& row) {
      std::uint32_t number = 0;
      if (!ParseNumberValue<std::uint32_t>(&number, text, row) || number > 255) return false;
      As<std::uint8_t>(value) = static_cast<std::uint8_t>(number);
      return true;
    },
    [](const void* value, std::string& scratch, const Row& row) -> Formatted {
      std::uint32_t number = As<std::uint8_t>(value);
      return FormatNumberValue<std::uint32_t>(&number, scratch, row);
    },
    kUnsignedText};
const ValueType kUint32Value{&ParseNumberValue<std::uint32_t>, &FormatNumberValue<std::uint32_t>, kUnsignedText, Unset::kNumber32};
const ValueType kUint64Value{&ParseNumberValue<std::uint64_t>, &FormatNumberValue<std::uint64_t>, kUnsignedText};
const ValueType kInt32Value{&ParseNumberValue<std::int32_t>, &FormatNumberValue<std::int32_t>, kSignedText, Unset::kNumber32};
const ValueType kInt64Value{&ParseNumberValue<std::int64_t>, &FormatNumberValue<std::int64_t>, kSignedText};
const ValueType kOptionalUint32Value{&ParseOptionalNumber<std::uint32_t>, &FormatOptionalNumber<std::uint32_t>, kUnsignedText, Unset::kOptional32};
const ValueType kOptionalUint64Value{&ParseOptionalNumber<std::uint64_t>, &FormatOptionalNumber<std::uint64_t>, kUnsignedText, Unset::kOptional64};
const ValueType kOptionalInt32Value{&ParseOptionalNumber<std::int32_t>, &FormatOptionalNumber<std::int32_t>, kSignedText, Unset::kOptional32};
const ValueType kOptionalInt64Value{&ParseOptionalNumber<std::int64_t>, &FormatOptionalNumber<std::int64_t>, kSignedText, Unset::kOptional64};

namespace {

constexpr auto kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (unsigned i = 0; i < 10; ++i) values['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

}  // namespace

template <typename I>
std::optional<I> ParseNumber(std::string_view text, int base) {
  auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (negative && !std::is_signed_v<I>) return std::nullopt;
  bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (hex && (base == 0 || base == 16)) {
    text.remove_prefix(2);
    base = 16;
  } else if (base == 0) {
    base = text.size() > 1 && text[0] == '0' ? 8 : 10;
  }
  if (text.empty()) return std::nullopt;
  std::uint64_t magnitude = 0;
  const bool fits = text.size() <= 15;  // whatever its digits
  for (char c : text) {
    unsigned digit = kDigitValues[static_cast<unsigned char>(c)];
    if (digit >= static_cast<unsigned>(base)) return std::nullopt;
    if (fits) magnitude = magnitude * static_cast<unsigned>(base) + digit;
    else if (__builtin_mul_overflow(magnitude, base, &magnitude) || __builtin_add_overflow(magnitude, digit, &magnitude)) return std::nullopt;
  }
  auto limit = static_cast<std::uint64_t>(std::numeric_limits<I>::max());
  if (magnitude > limit + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<I>(negative ? 0 - magnitude : magnitude);
}
template std::optional<std::uint32_t> ParseNumber(std::string_view, int);
template std::optional<std::uint64_t> ParseNumber(std::string_view, int);
template std::optional<std::int32_t> ParseNumber(std::string_view, int);
template std::optional<std::int64_t> ParseNumber(std::string_view, int);

namespace {

// Bytes in a unit: "" is 0; K M G T P E alone or with "iB" count by 1024, with "B" by 1000.
std::optional<std::uint64_t> UnitScale(std::string_view unit) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::string text;
  for (char c : unit) text += lower(c);
  if (text.empty()) return 0;
  if (text == "b" || text == "byte" || text == "bytes") return 1;
  std::size_t power = std::string_view("kmgtpe").find(text[0]);
  if (power == std::string_view::npos) return std::nullopt;
  std::uint64_t base;
  if (text.size() == 1 || text.substr(1) == "ib") base = 1024;
  else if (text.substr(1) == "b") base = 1000;
  else return std::nullopt;
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i <= power; ++i) scale *= base;
  return scale;
}

}  // namespace

bool IsSizeUnit(std::string_view unit) { return UnitScale(unit).has_value(); }

std::uint64_t ScaleToBytes(std::uint64_t value, std::string_view unit, std::uint64_t default_scale) {
  auto scale = UnitScale(unit);
  if (!scale) throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "unknown suffix '" + std::string(unit) + "'");
  if (*scale == 0) scale = default_scale;
  std::uint64_t bytes;
  if (__builtin_mul_overflow(value, *scale, &bytes)) {
    throw Error(ErrorDomain::kNone, ErrorCode::kOverflow, "value too large: " + std::to_string(value) + std::string(unit));
  }
  return bytes;
}

}  // namespace bv::model
