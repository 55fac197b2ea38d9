// JSON text, as QEMU and its agent send it: refused, or the same after writing and reading once more.
#include <cstdlib>

#include "base/error.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string once;
  try {
    once = bv::Json::Parse({reinterpret_cast<const char*>(data), size}).Dump();
  } catch (const bv::Error&) {
    return 0;
  }
  if (bv::Json::Parse(once).Dump() != once) abort();
  return 0;
}
