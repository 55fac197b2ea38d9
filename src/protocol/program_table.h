#pragma once

#include <array>
#include <string_view>
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

// The offset of the uint32 member `name`, or kNoOffset.
template <typename T>
constexpr uint16_t OffsetOf(std::string_view name) {
  if constexpr (!std::is_void_v<T>) {
    std::string_view names = T::kFieldNames;
    for (const xdr::Field& field : xdr::detail::Fields<T>::kFields) {
      size_t end = names.find(',');
      if (names.substr(0, end) == name && field.type == &xdr::kType<uint32_t>) {
        return static_cast<uint16_t>(field.offset);
      }
      names.remove_prefix(end == names.npos ? names.size() : end + 2);
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
