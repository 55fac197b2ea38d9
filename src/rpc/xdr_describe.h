#pragma once

#include <type_traits>

#include "base/uuid.h"
#include "rpc/typed_param.h"
#include "rpc/xdr.h"
#include "rpc/xdr_codec.h"

// Makes the codec's run-time description of a payload struct from the struct itself: kType<T>.
// Heavy; included only where a program's table is made (src/protocol/*.cc) and in tests.

namespace bv::xdr {

template <typename T>
constexpr Type MakeType();

template <typename T>
inline constexpr Type kType = MakeType<T>();

namespace detail {

template <typename T>
struct ListOf : std::false_type {};
template <typename T, uint32_t kMax>
struct ListOf<List<T, kMax>> : std::true_type {
  using Element = T;
};
template <typename T>
struct OptionalOf : std::false_type {};
template <typename T>
struct OptionalOf<std::optional<T>> : std::true_type {
  using Element = T;
};
template <typename T>
struct ArrayLength : std::integral_constant<uint32_t, 0> {};
template <uint32_t kLength>
struct ArrayLength<CharArray<kLength>> : std::integral_constant<uint32_t, kLength> {};
template <typename T>
struct IsChars : std::false_type {};
template <uint32_t kMax>
struct IsChars<Chars<kMax>> : std::true_type {};
template <typename T>
concept Struct = requires { T::kFieldNames; };

constexpr uint32_t AlignUp(uint32_t offset, size_t alignment) {
  return static_cast<uint32_t>((offset + alignment - 1) / alignment * alignment);
}

// The fields of a struct, their offsets counted from sizes and alignments in wire order. That the
// count ends at the struct's own size shows that no member is missing or out of order.
template <typename S, typename Tuple>
struct FieldsOf;
template <typename S, typename... Members>
struct FieldsOf<S, std::tuple<Members&...>> {
  static constexpr auto Make() {
    std::array<Field, sizeof...(Members)> fields{};
    uint32_t at = 0, i = 0;
    ((at = AlignUp(at, alignof(Members)), fields[i++] = Field{at, &kType<Members>}, at += sizeof(Members)), ...);
    if (AlignUp(at, alignof(S)) != sizeof(S)) throw "XDR_FIELDS does not name every member in order";
    return fields;
  }
  static constexpr std::array<Field, sizeof...(Members)> kFields = Make();
  static constexpr uint32_t kWireMin = (kType<Members>.wire_min + ...);
};
template <typename S>
using Fields = FieldsOf<S, decltype(S::Fields(std::declval<S&>()))>;

template <typename L>
constexpr Operations ListOperations() {
  Operations ops;
  ops.count = [](const void* value) { return static_cast<const L*>(value)->size(); };
  ops.data = [](void* value) -> void* { return static_cast<L*>(value)->data(); };
  ops.resize = [](void* value, size_t count) { static_cast<L*>(value)->resize(count); };
  return ops;
}

template <typename O>
constexpr Operations OptionalOperations() {
  Operations ops;
  ops.count = [](const void* value) { return size_t{static_cast<const O*>(value)->has_value()}; };
  ops.data = [](void* value) -> void* { return static_cast<O*>(value)->operator->(); };
  ops.resize = [](void* value, size_t) { static_cast<O*>(value)->emplace(); };
  return ops;
}

}  // namespace detail

template <typename T>
constexpr Type MakeType() {
  using namespace detail;
  Type type{.kind = Kind::kInt32, .size = sizeof(T), .wire_min = 4};
  if constexpr (Struct<T>) {
    type.kind = Kind::kStruct;
    type.fields = Fields<T>::kFields.data();
    type.field_count = static_cast<uint32_t>(Fields<T>::kFields.size());
    type.wire_min = Fields<T>::kWireMin;
    type.ops.make = []() -> void* { return new T(); };
    type.ops.destroy = [](void* value) { delete static_cast<T*>(value); };
  } else if constexpr (ListOf<T>::value) {
    type.kind = Kind::kList;
    type.max = T::kMax;
    type.element = &kType<typename ListOf<T>::Element>;
    type.ops = ListOperations<T>();
  } else if constexpr (OptionalOf<T>::value) {
    type.kind = Kind::kOptional;
    type.max = 1;
    type.element = &kType<typename OptionalOf<T>::Element>;
    type.ops = OptionalOperations<T>();
  } else if constexpr (std::is_same_v<T, TypedParamValue>) {
    type.kind = Kind::kTypedValue;
    type.wire_min = 8;
  } else if constexpr (std::is_same_v<T, Uuid>) {
    static_assert(sizeof(Uuid) == 16);
    type.kind = Kind::kUuid;
    type.wire_min = 16;
  } else if constexpr (ArrayLength<T>::value) {
    type.kind = Kind::kCharArray;
    type.max = ArrayLength<T>::value;
    type.wire_min = 4 * type.max;
  } else if constexpr (IsChars<T>::value) {
    type.kind = Kind::kChars;
    type.max = T::kMax;
  } else if constexpr (std::is_same_v<T, std::string>) {
    type.kind = Kind::kString;
    type.max = kStringMax;
  } else if constexpr (std::is_base_of_v<std::string, T>) {
    type.kind = Kind::kString;
    type.max = T::kMax;
  } else if constexpr (std::is_base_of_v<std::vector<uint8_t>, T>) {
    type.kind = Kind::kOpaque;
    type.max = T::kMax;
  } else if constexpr (sizeof(T) == 8) {
    static_assert(std::is_arithmetic_v<T>);
    type.kind = Kind::kInt64;
    type.wire_min = 8;
  } else if constexpr (sizeof(T) == 2) {
    static_assert(std::is_same_v<T, uint16_t>);
    type.kind = Kind::kUshort;
  } else if constexpr (sizeof(T) == 1) {
    static_assert(std::is_same_v<T, char> || std::is_same_v<T, uint8_t>);
    type.kind = std::is_same_v<T, char> ? Kind::kChar : Kind::kUchar;
  } else {
    static_assert(sizeof(T) == 4 && (std::is_integral_v<T> || std::is_enum_v<T>));
  }
  return type;
}

}  // namespace bv::xdr
