// Small notations: lists of numbers and UUIDs mean the same after they were written.
#include <cstdlib>

#include "base/bitmap.h"
#include "base/uuid.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto set = bv::Bitmap::Parse(text)) {
    auto again = bv::Bitmap::Parse(set->Format());
    if (!set->empty() && (!again || !(*again == *set))) abort();
    auto bytes = set->ToBytes();
    if (!(bv::Bitmap::FromBytes(bytes.data(), bytes.size()) == *set)) abort();
  }
  if (auto uuid = bv::Uuid::Parse(text)) {
    if (bv::Uuid::Parse(uuid->ToString()) != uuid) abort();
  }
  return 0;
}
