#pragma once

#include <array>
#include <utility>

#include "rpc/procedure.h"
#include "rpc/xdr_describe.h"

// Makes a program's table from its declarations. Included only by the .cc that defines the table:
// this is where the payload descriptions of all procedures come to be.

namespace bv::rpc {

namespace detail {

template <typename T>
constexpr const xdr::Type* TypeOrNull() {
  if constexpr (std::is_void_v<T>) {
    return nullptr;
  } else {
    return &xdr::kType<T>;
  }
}

// The offset of the word-sized member `name`, or kNoOffset. By hand: with sanitizers on, g++ 12
// does not take string_view's searches for constant expressions.
template <typename T>
constexpr uint16_t OffsetOf(const char* name) {
  if constexpr (!std::is_void_v<T>) {
    const auto& names = T::kFieldNames;
    size_t at = 0;
    for (const xdr::Field& field : xdr::detail::Fields<T>::kFields) {
      size_t matched = 0;
      while (name[matched] && names[at + matched] == name[matched]) ++matched;
      char next = names[at + matched];
      if (!name[matched] && (next == ',' || !next) && field.type->kind == xdr::Kind::kInt32) {
        return static_cast<uint16_t>(field.offset);
      }
      while (names[at] && names[at] != ',') ++at;
      if (names[at]) at += 2;
    }
  }
  return Procedure::kNoOffset;
}

template <typename P>
constexpr Procedure Row() {
  using Args = typename P::Args;
  return {&P::info,
          TypeOrNull<Args>(),
          TypeOrNull<typename P::Ret>(),
          TypeOrNull<typename P::Msg>(),
          OffsetOf<Args>("flags"),
          OffsetOf<Args>("source")};
}

}  // namespace detail

// `At` is the program's proc::At; its numbers run from 1 to kCount.
template <template <int> typename At, int... kIndices>
constexpr std::array<Procedure, sizeof...(kIndices)> MakeTable(std::integer_sequence<int, kIndices...>) {
  return {detail::Row<typename At<kIndices + 1>::Proc>()...};
}
template <template <int> typename At, int kCount>
inline constexpr auto kTable = MakeTable<At>(std::make_integer_sequence<int, kCount>());

}  // namespace bv::rpc
