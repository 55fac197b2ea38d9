#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/xml.h"
#include "model/describe/row.h"

// Interprets descriptions: XML to structs, structs to XML, and whether a document holds nothing that
// the description does not know.
namespace bv::model {

// Flags that rows themselves look at; the languages' own flags (kParseInactive ...) have these values.
inline constexpr unsigned kRowsInactive = 1 << 0;
inline constexpr unsigned kRowsSecure = 1 << 1;   // formatting
inline constexpr unsigned kRowsStatus = 1 << 2;   // parsing
inline constexpr unsigned kRowsStatusOut = 1 << 3;

// Reads elements into objects. Custom rows get it to read parts with descriptions again.
class Parser {
 public:
  Parser(ErrorDomain domain, unsigned flags) : domain_(domain), flags_(flags), skipped_(SkippedFlags()) {}

  unsigned flags() const { return flags_; }
  bool inactive() const { return flags_ & kRowsInactive; }
  bool status() const { return flags_ & kRowsStatus; }
  bool validating() const;
  ErrorDomain domain() const { return domain_; }

  // Reads `element` into `object`; throws Error at the first fault.
  template <typename T>
  void Read(const Description<T>& description, T& object, const xml::Node& element) {
    ReadElement(description, &object, element);
  }

  // Faults, as libvirt reports them. While a document is held against the language they are faults of the
  // document: its schema would have found them before anybody looked closer.
  [[noreturn]] void Fail(Fault fault, std::string message) const;
  [[noreturn]] void Fail(ErrorCode code, std::string message) const { Fail(domain_, code, std::move(message)); }
  [[noreturn]] void Fail(ErrorDomain domain, ErrorCode code, std::string message) const;
  // Faults that no schema can find.
  [[noreturn]] void FailBeyondSchema(Fault fault, std::string message) const;
  [[noreturn]] void BadAttribute(const xml::Node& element, std::string_view name, std::string_view value, const char* expected = "") const;
  [[noreturn]] void MissingAttribute(const xml::Node& element, std::string_view name) const;

  // Attributes by hand, for custom rows: what rows do, one at a time. False when absent.
  template <typename V>
  bool Value(const xml::Node& element, std::string_view name, V& value, Fault fault = Fault::kXml, std::uint16_t flags = 0) {
    Row row(RowKind::kAttr, name);
    row.type = TypeFor<V>::type;
    row.names = TypeFor<V>::names.names;
    row.count = TypeFor<V>::names.count;
    row.fault = row.missing_fault = fault;
    row.flags = flags;
    return ReadAttribute(row, &value, element);
  }
  std::uint64_t ScaledText(const xml::Node& element, const SizeSpec& spec) const;
  // `number` in the unit that the element's attribute names.
  std::uint64_t Scaled(std::uint64_t number, const xml::Node& element, const SizeSpec& spec) const;

  void ReadElement(const ErasedDescription& description, void* object, const xml::Node& element);
  void ReadRows(RowSpan rows, void* object, const xml::Node& element);

 private:
  bool ReadAttribute(const Row& row, void* value, const xml::Node& element);
  void ReadText(const Row& row, void* value, std::string_view text, const xml::Node& element);
  unsigned SkippedFlags() const;  // rows with one of these do not count

  ErrorDomain domain_;
  unsigned flags_;
  unsigned skipped_;
};

// Writes objects as elements.
class Formatter {
 public:
  Formatter(xml::Writer& out, unsigned flags) : out_(out), flags_(flags), skipped_(SkippedFlags()) {}

  xml::Writer& out() { return out_; }
  unsigned flags() const { return flags_; }
  bool inactive() const { return flags_ & kRowsInactive; }
  bool secure() const { return flags_ & kRowsSecure; }
  bool status() const { return flags_ & kRowsStatusOut; }

  // <name> with the object's attributes and children.
  template <typename T>
  void Write(std::string_view name, const Description<T>& description, const T& object) {
    out_.Open(name);
    WriteRows(description.rows, &object);
    out_.Close(name);
  }
  // The same unless it is empty.
  template <typename T>
  void WriteUnlessEmpty(std::string_view name, const Description<T>& description, const T& object) {
    auto mark = out_.Open(name);
    WriteRows(description.rows, &object);
    out_.CloseUnlessEmpty(name, mark);
  }
  // Attributes and children into the element that is open.
  template <typename T>
  void WriteInto(const Description<T>& description, const T& object) {
    WriteRows(description.rows, &object);
  }
  void Attr(std::string_view name, std::string_view value) { out_.Attr(name, value); }
  void Attr(std::string_view name, std::uint64_t value) { out_.Attr(name, std::to_string(value)); }

  void WriteRows(RowSpan rows, const void* object);

 private:
  unsigned SkippedFlags() const;  // rows with one of these do not count
  void WriteRow(const Row& row, const void* object);
  void WriteContainer(const Row& row, const void* container);

  xml::Writer& out_;
  unsigned flags_;
  unsigned skipped_;
  std::string scratch_;
};

// Every element and attribute below `element` must be one that the description names; what is not
// throws kXmlInvalidSchema with its place. Elements in foreign namespaces pass.
void Validate(const ErasedDescription& description, const xml::Node& element);

}  // namespace bv::model
