// Domain XML: any bytes are refused with an Error, or become a definition whose own XML is read back
// to the same XML.
#include <cstdlib>

#include "base/error.h"
#include "model/domain/domain.h"

using namespace bv;
using namespace bv::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string first;
  try {
    first = FormatDomain(ParseDomain(text, kParseInactive | kParseAbiUpdate), kFormatInactive | kFormatSecure);
  } catch (const Error&) {
    return 0;
  }
  try {
    std::string second = FormatDomain(ParseDomain(first, kParseInactive), kFormatInactive | kFormatSecure);
    if (FormatDomain(ParseDomain(second, kParseInactive), kFormatInactive | kFormatSecure) != second) abort();
  } catch (const Error&) {
    // What the parser's own checks miss, such as a path that only a whole definition makes valid.
  }
  return 0;
}
