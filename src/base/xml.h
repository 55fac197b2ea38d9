#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

// XML documents as read-only trees, and a writer in libvirt's style.
namespace bv::xml {

// A short hash of names. It tells most of them apart, and is a bit in the sets that nodes keep of the names below
// them: most look-ups are for what is not there, and end at the set.
constexpr std::uint8_t NameIndex(std::string_view name) {
  if (name.empty()) return 0;
  auto first = static_cast<unsigned char>(name.front()), last = static_cast<unsigned char>(name.back());
  return (first * 7 + last * 3 + name.size()) & 63;
}

struct Attribute {
  std::string_view name;
  std::string_view prefix;
  std::string_view value;
  const Attribute* next = nullptr;
  std::uint8_t name_index = 0;
};

// An xmlns declaration as it stands on an element; an empty prefix is the default namespace.
struct NamespaceDeclaration {
  std::string_view prefix;
  std::string_view uri;
  const NamespaceDeclaration* next = nullptr;
};

// One node; lives in its Document, and all views point there.
struct Node {
  enum class Kind : std::uint8_t { kElement, kText, kComment };

  std::string_view name;    // without the prefix
  std::string_view prefix;
  std::string_view ns;      // URI; empty when the element is in no namespace
  std::string_view text;    // all character data of an element without child elements
  const Attribute* attributes = nullptr;
  const NamespaceDeclaration* namespaces = nullptr;
  const Node* parent = nullptr;
  const Node* first_child = nullptr;  // elements; text and comments too where content is mixed
  const Node* next = nullptr;
  std::uint64_t attribute_bits = 0, child_bits = 0;  // 1 << NameIndex() of each
  std::uint8_t name_index = 0;
  Kind kind = Kind::kElement;

  // True for an element of that name outside any namespace.
  bool Is(std::string_view element) const { return IsNamed(element, NameIndex(element)); }
  // The first such child element, or null.
  const Node* Child(std::string_view element) const;
  // The next sibling element of that name, or null.
  const Node* Next(std::string_view element) const;
  // An attribute's value; nullopt when absent.
  std::optional<std::string_view> Attr(std::string_view attribute) const;
  // The attribute's value or "".
  std::string_view AttrOr(std::string_view attribute) const { return Attr(attribute).value_or(std::string_view()); }
  // The text of the first child of that name; nullopt when there is none.
  std::optional<std::string_view> ChildText(std::string_view element) const;
  std::size_t CountChildren(std::string_view element) const;

 private:
  bool IsNamed(std::string_view element, std::uint8_t index) const {
    return name_index == index && kind == Kind::kElement && ns.empty() && name == element;
  }
};

// Where a node stands: "/domain/devices/disk[2]/target".
std::string PathOf(const Node& node);

// A parsed document. Nothing outside the text is ever read: external entities and DTDs are not
// loaded, documents that declare entities are refused, nesting is limited to 256 levels.
class Document {
 public:
  // A malformed document throws kXmlDetail from `domain`: "(WHAT):LINE: message", the line and a
  // mark under the place. `what` is libvirt's name for the text ("domain_definition").
  static Document Parse(std::string_view text, ErrorDomain domain, std::string_view what);
  // The same, and the root element must be `root` (kXmlError from VIR_FROM_XML).
  static Document Parse(std::string_view text, ErrorDomain domain, std::string_view what, std::string_view root);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  const Node& root() const { return *root_; }

 private:
  friend class Tree;
  struct Storage;
  Document();
  std::unique_ptr<Storage> storage_;
  const Node* root_ = nullptr;
};

// Appends `text` with < > & ' " escaped and the control characters XML cannot hold left out.
void AppendEscaped(std::string* out, std::string_view text);

// Writes elements with two spaces of indentation and 'single' quotes. Every Open() has its Close()
// with the same name.
class Writer {
 public:
  // `expected` is about how long the text will be.
  explicit Writer(int depth = 0, std::size_t expected = 0) : indent_(static_cast<std::size_t>(depth) * 2) { out_.resize(expected); }

  // What Close() needs to take an element back that turned out to be empty.
  struct Mark {
    std::size_t size;
    std::size_t body;
    bool tag_open;
  };
  Mark Open(std::string_view name);
  void Attr(std::string_view name, std::string_view value);
  void Close(std::string_view name);
  // Takes the element back when it has got neither attributes nor content since Open().
  void CloseUnlessEmpty(std::string_view name, const Mark& mark);
  // Ends the element with text: <name a='b'>text</name>.
  void CloseWithText(std::string_view name, std::string_view text);
  // The text of the element that is open, which has no child elements; Close() ends it.
  void TextContent(std::string_view text);
  // <name>text</name>
  void TextElement(std::string_view name, std::string_view text);
  // <name/>
  void EmptyElement(std::string_view name);
  // A copy of a parsed element with everything below it.
  // Names of `dropped_namespace` come out without it.
  void Copy(const Node& node, std::string_view dropped_namespace = {});
  // Whole lines that are XML already, written as they are.
  void Verbatim(std::string_view xml);

  std::string Take();

 private:
  char* Room(std::size_t size);
  void Used(const char* end);
  char* PutIndent(char* at) const;
  char* PutEndOfTag(char* at);

  std::string out_;  // `used_` bytes of it are written
  std::size_t used_ = 0;
  std::size_t indent_;
  bool tag_open_ = false;
  bool text_open_ = false;
};

}  // namespace bv::xml
