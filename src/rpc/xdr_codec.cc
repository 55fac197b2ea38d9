#include "rpc/xdr_codec.h"

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "rpc/typed_param.h"

namespace bv::xdr {

namespace {

using rpc::Buffer;

size_t Padded(size_t size) { return (size + 3) & ~size_t{3}; }

template <typename T>
T& As(void* value) {
  return *static_cast<T*>(value);
}
template <typename T>
const T& As(const void* value) {
  return *static_cast<const T*>(value);
}

// --- encoding ------------------------------------------------------------------------------------

[[noreturn]] void OverLimit() {
  throw Error(ErrorDomain::kRpc, ErrorCode::kRpc, "Unable to encode message payload");
}

void PutInt(Buffer& out, uint32_t value) { rpc::PutWord(out.Extend(4), value); }

void PutHyper(Buffer& out, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(out.Extend(8), &value, 8);
}

void PutBytes(Buffer& out, const void* data, size_t size, uint32_t max) {
  if (size > max) OverLimit();
  PutInt(out, static_cast<uint32_t>(size));
  uint8_t* to = out.Extend(Padded(size));
  if (size) std::memcpy(to, data, size);
  std::memset(to + size, 0, Padded(size) - size);
}

void PutTypedValue(Buffer& out, const TypedParamValue& value) {
  PutInt(out, static_cast<uint32_t>(value.index() + 1));
  switch (value.index()) {
    case 0: return PutInt(out, static_cast<uint32_t>(std::get<0>(value)));
    case 1: return PutInt(out, std::get<1>(value));
    case 2: return PutHyper(out, static_cast<uint64_t>(std::get<2>(value)));
    case 3: return PutHyper(out, std::get<3>(value));
    case 4: return PutHyper(out, std::bit_cast<uint64_t>(std::get<4>(value)));
    case 5: return PutInt(out, std::get<5>(value));
    default: return PutBytes(out, std::get<6>(value).data(), std::get<6>(value).size(), kStringMax);
  }
}

// --- decoding ------------------------------------------------------------------------------------

struct Reader {
  const uint8_t* at;
  size_t left;

  bool Take(size_t size, const uint8_t*& from) {
    if (size > left) return false;
    from = at;
    at += size;
    left -= size;
    return true;
  }
  bool Word(uint32_t& value) {
    const uint8_t* from;
    if (!Take(4, from)) return false;
    value = rpc::GetWord(from);
    return true;
  }
  bool Hyper(uint64_t& value) {
    const uint8_t* from;
    if (!Take(8, from)) return false;
    std::memcpy(&value, from, 8);
    value = __builtin_bswap64(value);
    return true;
  }
  // A counted run of bytes; `max` bounds the count.
  bool Bytes(uint32_t max, std::span<const uint8_t>& bytes) {
    uint32_t size;
    const uint8_t* from;
    if (!Word(size) || size > max || !Take(Padded(size), from)) return false;
    bytes = {from, size};
    return true;
  }
  // The C clients and daemons see a string up to its first NUL; nothing may hide behind one.
  bool String(uint32_t max, std::string& value) {
    std::span<const uint8_t> bytes;
    if (!Bytes(max, bytes)) return false;
    const char* text = reinterpret_cast<const char*>(bytes.data());
    value.assign(text, strnlen(text, bytes.size()));
    return true;
  }
};

bool TakeTypedValue(Reader& in, TypedParamValue& value) {
  uint32_t tag, word;
  uint64_t hyper;
  if (!in.Word(tag)) return false;
  switch (tag) {
    case 1: return in.Word(word) && (value.emplace<0>(static_cast<int32_t>(word)), true);
    case 2: return in.Word(word) && (value.emplace<1>(word), true);
    case 3: return in.Hyper(hyper) && (value.emplace<2>(static_cast<int64_t>(hyper)), true);
    case 4: return in.Hyper(hyper) && (value.emplace<3>(hyper), true);
    case 5: return in.Hyper(hyper) && (value.emplace<4>(std::bit_cast<double>(hyper)), true);
    case 6: return in.Word(word) && (value.emplace<5>(word != 0), true);
    case 7: return in.String(kStringMax, value.emplace<6>());
    default: return false;
  }
}

bool Take(const Type& type, Reader& in, void* value) {
  uint32_t word;
  switch (type.kind) {
    case Kind::kInt32: return in.Word(As<uint32_t>(value));
    case Kind::kInt64: return in.Hyper(As<uint64_t>(value));
    case Kind::kChar:
    case Kind::kUchar: return in.Word(word) && (As<uint8_t>(value) = static_cast<uint8_t>(word), true);
    case Kind::kUshort: return in.Word(word) && (As<uint16_t>(value) = static_cast<uint16_t>(word), true);
    case Kind::kString: return in.String(type.max, As<std::string>(value));
    case Kind::kUuid: {
      const uint8_t* from;
      return in.Take(16, from) && std::memcpy(value, from, 16);
    }
    case Kind::kOpaque: {
      std::span<const uint8_t> bytes;
      if (!in.Bytes(type.max, bytes)) return false;
      As<std::vector<uint8_t>>(value).assign(bytes.begin(), bytes.end());
      return true;
    }
    case Kind::kChars: {
      const uint8_t* from;
      if (!in.Word(word) || word > type.max || !in.Take(size_t{word} * 4, from)) return false;
      auto& text = As<std::string>(value);
      text.resize(word);
      for (uint32_t i = 0; i < word; ++i) text[i] = static_cast<char>(from[i * 4 + 3]);
      return true;
    }
    case Kind::kCharArray: {
      const uint8_t* from;
      if (!in.Take(size_t{type.max} * 4, from)) return false;
      for (uint32_t i = 0; i < type.max; ++i) static_cast<char*>(value)[i] = static_cast<char>(from[i * 4 + 3]);
      return true;
    }
    case Kind::kOptional:
      if (!in.Word(word)) return false;
      if (!word) return true;
      type.ops.resize(value, 1);
      return Take(*type.element, in, type.ops.data(value));
    case Kind::kList: {
      if (!in.Word(word) || word > type.max || size_t{word} * type.element->wire_min > in.left) return false;
      type.ops.resize(value, word);
      auto* element = static_cast<uint8_t*>(type.ops.data(value));
      for (uint32_t i = 0; i < word; ++i, element += type.element->size) {
        if (!Take(*type.element, in, element)) return false;
      }
      return true;
    }
    case Kind::kStruct:
      for (uint32_t i = 0; i < type.field_count; ++i) {
        const Field& field = type.fields[i];
        if (!Take(*field.type, in, static_cast<uint8_t*>(value) + field.offset)) return false;
      }
      return true;
    case Kind::kTypedValue: return TakeTypedValue(in, As<TypedParamValue>(value));
  }
  return false;
}

}  // namespace

void Encode(const Type& type, const void* value, Buffer& out) {
  switch (type.kind) {
    case Kind::kInt32: return PutInt(out, As<uint32_t>(value));
    case Kind::kInt64: return PutHyper(out, As<uint64_t>(value));
    case Kind::kChar: return PutInt(out, static_cast<uint32_t>(int32_t{As<signed char>(value)}));
    case Kind::kUchar: return PutInt(out, As<uint8_t>(value));
    case Kind::kUshort: return PutInt(out, As<uint16_t>(value));
    case Kind::kString: {
      const auto& text = As<std::string>(value);
      return PutBytes(out, text.data(), text.size(), type.max);
    }
    case Kind::kUuid: std::memcpy(out.Extend(16), value, 16); return;
    case Kind::kOpaque: {
      const auto& bytes = As<std::vector<uint8_t>>(value);
      return PutBytes(out, bytes.data(), bytes.size(), type.max);
    }
    case Kind::kChars: {
      const auto& text = As<std::string>(value);
      if (text.size() > type.max) OverLimit();
      PutInt(out, static_cast<uint32_t>(text.size()));
      for (signed char c : text) PutInt(out, static_cast<uint32_t>(int32_t{c}));
      return;
    }
    case Kind::kCharArray:
      for (uint32_t i = 0; i < type.max; ++i) {
        PutInt(out, static_cast<uint32_t>(int32_t{static_cast<const signed char*>(value)[i]}));
      }
      return;
    case Kind::kOptional:
    case Kind::kList: {
      size_t count = type.ops.count(value);
      if (count > type.max) OverLimit();
      PutInt(out, static_cast<uint32_t>(count));
      auto* element = static_cast<const uint8_t*>(type.ops.data(const_cast<void*>(value)));
      for (size_t i = 0; i < count; ++i, element += type.element->size) Encode(*type.element, element, out);
      return;
    }
    case Kind::kStruct:
      for (uint32_t i = 0; i < type.field_count; ++i) {
        const Field& field = type.fields[i];
        Encode(*field.type, static_cast<const uint8_t*>(value) + field.offset, out);
      }
      return;
    case Kind::kTypedValue: return PutTypedValue(out, As<TypedParamValue>(value));
  }
}

bool Decode(const Type& type, std::span<const uint8_t> in, void* value) {
  Reader reader{in.data(), in.size()};
  return Take(type, reader, value);
}

}  // namespace bv::xdr
