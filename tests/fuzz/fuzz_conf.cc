// Configuration text: nothing but entries or an Error with a place may come of any bytes.
#include <cstdlib>

#include "base/conf.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    int line = 0;
    for (const auto& entry : bv::ParseConf(text, "fuzz.conf")) {
      if (entry.key.empty() || entry.line < line) abort();
      line = entry.line;
    }
  } catch (const bv::Error& error) {
    if (error.message.find("fuzz.conf:") == std::string::npos) abort();
  }
  return 0;
}
