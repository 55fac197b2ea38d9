#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rpc/buffer.h"

// The codec: walks a payload struct by its run-time description. One piece of code for all
// payloads, so that a further procedure costs a table row and not a function.

namespace bv::xdr {

struct Type;

struct Field {
  uint32_t offset = 0;
  const Type* type = nullptr;
};

// How to handle a type whose C++ shape the codec does not know: made once per type by
// xdr_describe.h, all null for plain values.
struct Operations {
  void* (*make)() = nullptr;                           // new T
  void (*destroy)(void* value) = nullptr;              // delete
  // List: elements and their number; resizing value-initialises. Optional: 0 or 1 elements.
  size_t (*count)(const void* value) = nullptr;
  void* (*data)(void* value) = nullptr;
  void (*resize)(void* value, size_t count) = nullptr;
};

enum class Kind : uint8_t {
  kInt32,   // and uint32, enum
  kInt64,   // and uint64, double
  kChar,    // and uchar, bool: one byte in memory, a word on the wire, sign-extended if signed
  kUchar,
  kUshort,
  kString,
  kUuid,
  kOpaque,
  kChars,
  kCharArray,
  kOptional,
  kList,
  kStruct,
  kTypedValue,
};

struct Type {
  Kind kind;
  uint32_t size = 0;            // in memory
  uint32_t wire_min = 0;        // the fewest bytes on the wire
  uint32_t max = 0;             // limit, or length of an array
  const Type* element = nullptr;  // kOptional, kList
  const Field* fields = nullptr;  // kStruct
  uint32_t field_count = 0;
  Operations ops;
};

// Appends `value` to `out`. Throws Error (kRpc) when a string or list is over its limit; `out` is
// then undefined beyond its old size.
void Encode(const Type& type, const void* value, rpc::Buffer& out);

// Fills `value`, which is freshly made, from the front of `in`; what is left over is ignored, as
// libvirt does. False when `in` is too short or says more than a limit allows. Memory used stays
// proportional to in.size().
bool Decode(const Type& type, std::span<const uint8_t> in, void* value);

}  // namespace bv::xdr
