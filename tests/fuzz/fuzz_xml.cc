// XML text: refused, or read into a tree that is written, read and written again with the same result. With a
// declaration before it libxml2 reads it, where we may have done so ourselves, and must come to the same tree.
#include <cstdlib>

#include "base/xml.h"

namespace {

bv::xml::Document Parse(std::string_view text) {
  return bv::xml::Document::Parse(text, bv::ErrorDomain::kXml, "fuzz");
}
std::string Write(const bv::xml::Document& document) {
  bv::xml::Writer writer;
  writer.Copy(document.root());
  return writer.Take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size), once;
  try {
    once = Write(Parse(text));
  } catch (const bv::Error&) {
    return 0;
  }
  if (text[0] == '<' && !text.starts_with("<?xml") && Write(Parse("<?xml version='1.0'?>" + text)) != once) abort();
  // Own output is always well-formed: an Error here ends the fuzzer.
  std::string twice = Write(Parse(once));
  if (Write(Parse(twice)) != twice) abort();
  return 0;
}
