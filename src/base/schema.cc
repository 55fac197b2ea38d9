#include "base/schema.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <unistd.h>

#include <cstdarg>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/wait.h"
#include "base/xml.h"

namespace bv::xml {

namespace {

constexpr const char kSchemaDirectory[] = "/usr/share/libvirt/schemas/";

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using SchemaPtr = std::unique_ptr<xmlRelaxNG, Freed<&xmlRelaxNGFree>>;

// libxml2's complaints, one after the other.
void Collect(void* text, const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  static_cast<std::string*>(text)->append(line);
}

SchemaPtr ReadSchema(const std::string& path) {
  // What libxml2 does when it reads its first schema cannot be done twice at a time.
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  std::string complaints;
  std::unique_ptr<xmlRelaxNGParserCtxt, Freed<&xmlRelaxNGFreeParserCtxt>> context(xmlRelaxNGNewParserCtxt(path.c_str()));
  SchemaPtr schema;
  if (context) {
    xmlRelaxNGSetParserErrors(context.get(), &Collect, nullptr, &complaints);
    schema.reset(xmlRelaxNGParse(context.get()));
  }
  if (!schema) throw Error(ErrorDomain::kXml, ErrorCode::kInternalError, "Unable to parse RNG " + path + ": " + complaints);
  return schema;
}

// Documents with entities of their own, or nested without end, are refused before libxml2 makes a tree of them.
bool HasRoot(const std::string& text, const std::string& root) {
  try {
    return Document::Parse(text, ErrorDomain::kXml, "document").root().name == root;
  } catch (const Error&) {
    return false;
  }
}

bool Follows(const std::string& text, const std::string& path, const std::string& root) {
  if (access(path.c_str(), R_OK) != 0 || !HasRoot(text, root)) return false;
  std::unique_ptr<xmlDoc, Freed<&xmlFreeDoc>> document(
      xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr, XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOERROR));
  if (!document) return false;
  SchemaPtr schema = ReadSchema(path);
  std::string complaints;
  std::unique_ptr<xmlRelaxNGValidCtxt, Freed<&xmlRelaxNGFreeValidCtxt>> context(xmlRelaxNGNewValidCtxt(schema.get()));
  if (!context) throw std::bad_alloc();
  xmlRelaxNGSetValidErrors(context.get(), &Collect, nullptr, &complaints);
  if (xmlRelaxNGValidateDoc(context.get(), document.get()) == 0) return true;
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, "Unable to validate doc against " + path + "\n" + complaints);
}

}  // namespace

Task<bool> StillToValidate(bool wanted, std::string text, std::string schema, std::string root) {
  if (!wanted) co_return false;
  auto work = [text = std::move(text), path = kSchemaDirectory + schema + ".rng", root = std::move(root)] { return Follows(text, path, root); };
  bool held = co_await Offload(std::move(work));
  co_return !held;
}

}  // namespace bv::xml
