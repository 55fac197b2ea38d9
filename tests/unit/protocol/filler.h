#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "rpc/typed_param.h"
#include "rpc/xdr_codec.h"

namespace bv {

// A payload that is known by its run-time description only.
using Value = std::unique_ptr<void, void (*)(void*)>;
inline Value Make(const xdr::Type& type) { return Value(type.ops.make(), type.ops.destroy); }

// Gives every field a value of its own, by a rule that encodings.txt was made with as well: a
// counter runs through the fields; lists have two elements, one optional in three is absent.
struct Filler {
  uint32_t counter = 0;

  void Fill(const xdr::Type& type, void* value) {
    auto bytes = static_cast<uint8_t*>(value);
    switch (type.kind) {
      case xdr::Kind::kInt32: Store<uint32_t>(value, 0xfffffff0 - ++counter); return;
      case xdr::Kind::kInt64: Store<uint64_t>(value, 0xfedcba9876543210 - ++counter); return;
      case xdr::Kind::kChar:
      case xdr::Kind::kUchar: *bytes = static_cast<uint8_t>(++counter * 71); return;
      case xdr::Kind::kUshort: Store<uint16_t>(value, static_cast<uint16_t>(0x8000 + ++counter)); return;
      case xdr::Kind::kString: *static_cast<std::string*>(value) = fmt::format("s{}", ++counter); return;
      case xdr::Kind::kUuid:
        ++counter;
        for (int i = 0; i < 16; ++i) bytes[i] = static_cast<uint8_t>(counter + i);
        return;
      case xdr::Kind::kOpaque: {
        auto& opaque = *static_cast<std::vector<uint8_t>*>(value);
        opaque.resize(std::min<size_t>(5, type.max));
        ++counter;
        for (size_t i = 0; i < opaque.size(); ++i) opaque[i] = static_cast<uint8_t>(counter * 7 + i);
        return;
      }
      case xdr::Kind::kChars: {
        auto& chars = *static_cast<std::string*>(value);
        chars.resize(std::min<size_t>(5, type.max));
        ++counter;
        for (size_t i = 0; i < chars.size(); ++i) chars[i] = static_cast<char>(counter * 71 + i);
        return;
      }
      case xdr::Kind::kCharArray:
        ++counter;
        for (size_t i = 0; i < type.max; ++i) bytes[i] = static_cast<uint8_t>(counter * 71 + i);
        return;
      case xdr::Kind::kOptional:
        if (++counter % 3 == 0) return;
        type.ops.resize(value, 1);
        return Fill(*type.element, type.ops.data(value));
      case xdr::Kind::kList: {
        size_t count = std::min<size_t>(2, type.max);
        type.ops.resize(value, count);
        for (size_t i = 0; i < count; ++i) {
          Fill(*type.element, static_cast<uint8_t*>(type.ops.data(value)) + i * type.element->size);
        }
        return;
      }
      case xdr::Kind::kStruct:
        for (uint32_t i = 0; i < type.field_count; ++i) Fill(*type.fields[i].type, bytes + type.fields[i].offset);
        return;
      case xdr::Kind::kTypedValue: return FillTyped(*static_cast<TypedParamValue*>(value));
    }
  }

  void FillTyped(TypedParamValue& value) {
    switch (++counter % 7) {
      case 0: value.emplace<0>(static_cast<int32_t>(0xfffffff0 - ++counter)); return;
      case 1: value.emplace<1>(0xfffffff0 - ++counter); return;
      case 2: value.emplace<2>(static_cast<int64_t>(0xfedcba9876543210 - ++counter)); return;
      case 3: value.emplace<3>(0xfedcba9876543210 - ++counter); return;
      case 4: value.emplace<4>(std::bit_cast<double>(0xfedcba9876543210 - ++counter)); return;
      case 5: value.emplace<5>(true); return;
      case 6: value.emplace<6>(fmt::format("s{}", ++counter)); return;
    }
  }

  template <typename T>
  static void Store(void* to, T value) {
    std::memcpy(to, &value, sizeof value);
  }
};

inline rpc::Buffer Encoded(const xdr::Type& type) {
  Value value = Make(type);
  Filler().Fill(type, value.get());
  rpc::Buffer out;
  xdr::Encode(type, value.get(), out);
  return out;
}

}  // namespace bv
