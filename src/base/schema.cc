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

enum class Verdict { kNone, kFollows, kRefused };

// With what is wrong in `complaints`.
Verdict Judge(const std::string& text, const std::string& path, const std::string& root, std::string& complaints) {
  if (access(path.c_str(), R_OK) != 0 || !HasRoot(text, root)) return Verdict::kNone;
  std::unique_ptr<xmlDoc, Freed<&xmlFreeDoc>> document(
      xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr, XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOERROR));
  if (!document) return Verdict::kNone;
  SchemaPtr schema = ReadSchema(path);
  std::unique_ptr<xmlRelaxNGValidCtxt, Freed<&xmlRelaxNGFreeValidCtxt>> context(xmlRelaxNGNewValidCtxt(schema.get()));
  if (!context) throw std::bad_alloc();
  xmlRelaxNGSetValidErrors(context.get(), &Collect, nullptr, &complaints);
  return xmlRelaxNGValidateDoc(context.get(), document.get()) == 0 ? Verdict::kFollows : Verdict::kRefused;
}

// What a description has to say of a document that is wrong.
std::string Complaint(const std::function<void()>& describe) {
  try {
    if (describe) describe();
  } catch (const Error& error) {
    if (error.code == ErrorCode::kXmlInvalidSchema) return error.str2;
  }
  return {};
}

}  // namespace

Task<bool> StillToValidate(bool wanted, std::string text, std::string schema, std::string root, std::function<void()> describe) {
  if (!wanted) co_return false;
  std::string path = kSchemaDirectory + schema + ".rng", complaints;
  auto work = [&] { return Judge(text, path, root, complaints); };
  Verdict verdict = co_await Offload(work);
  if (verdict == Verdict::kRefused) {
    throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, "Unable to validate doc against " + path + "\n" + complaints + Complaint(describe));
  }
  co_return verdict == Verdict::kNone;
}

}  // namespace bv::xml
