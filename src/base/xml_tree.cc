#include "base/xml_tree.h"

#include <algorithm>
#include <cstring>

namespace bv::xml {

void Document::Storage::Grow(std::size_t size) {
  constexpr std::size_t kFirstBlock = 8 * 1024;
  last_size = std::max(last_size ? last_size * 2 : kFirstBlock, size);
  at = blocks.emplace_back(std::make_unique_for_overwrite<char[]>(last_size)).get();
  end = at + last_size;
}

Document::Document() : storage_(std::make_unique<Storage>()) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

// --- making --------------------------------------------------------------------------------------

std::string_view Tree::Keep(std::string_view text) {
  if (text.empty()) return {};
  char* copy = Allocate(text.size());
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

void Tree::AddNamespace(std::string_view prefix, std::string_view uri) {
  auto* declaration = New<NamespaceDeclaration>();
  declaration->prefix = prefix;
  declaration->uri = uri;
  *open_.back().namespace_end = declaration;
  open_.back().namespace_end = &declaration->next;
}

void Tree::Text(std::string_view text, bool ends) {
  if (text.empty() || open_.empty()) return;
  Node* parent = open_.back().node;
  if (ends && !parent->first_child) {
    parent->text = text;
    return;
  }
  if (std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; })) return;
  Node* node = New<Node>();
  node->kind = Node::Kind::kText;
  node->text = text;
  Append(node);
  if (parent->text.empty()) parent->text = text;
}

void Tree::Comment(std::string_view text) {
  if (open_.empty()) return;
  Node* node = New<Node>();
  node->kind = Node::Kind::kComment;
  node->text = text;
  Append(node);
}

Document Document::Parse(std::string_view text, ErrorDomain domain, std::string_view what) {
  Document plain;
  if (Tree tree(plain); ReadPlain(text, tree)) return plain;
  Document document;
  Tree tree(document);
  ReadWithLibxml(text, domain, what, tree);
  return document;
}

Document Document::Parse(std::string_view text, ErrorDomain domain, std::string_view what, std::string_view root) {
  Document document = Parse(text, domain, what);
  if (document.root().name != root) {
    throw Error(ErrorDomain::kXml, ErrorCode::kXmlError,
                "expecting root element of '" + std::string(root) + "', not '" + std::string(document.root().name) + "'");
  }
  return document;
}

// --- reading -------------------------------------------------------------------------------------

const Node* Node::Child(std::string_view element) const {
  const std::uint8_t index = NameIndex(element);
  if (!(child_bits >> index & 1)) return nullptr;
  for (const Node* child = first_child; child; child = child->next) {
    if (child->IsNamed(element, index)) return child;
  }
  return nullptr;
}

const Node* Node::Next(std::string_view element) const {
  const std::uint8_t index = NameIndex(element);
  for (const Node* node = next; node; node = node->next) {
    if (node->IsNamed(element, index)) return node;
  }
  return nullptr;
}

std::optional<std::string_view> Node::Attr(std::string_view attribute) const {
  const std::uint8_t index = NameIndex(attribute);
  if (!(attribute_bits >> index & 1)) return std::nullopt;
  for (const Attribute* a = attributes; a; a = a->next) {
    if (a->name_index == index && a->name == attribute) return a->value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Node::ChildText(std::string_view element) const {
  if (const Node* child = Child(element)) return child->text;
  return std::nullopt;
}

std::size_t Node::CountChildren(std::string_view element) const {
  std::size_t count = 0;
  for (const Node* child = Child(element); child; child = child->Next(element)) ++count;
  return count;
}

std::string PathOf(const Node& node) {
  std::string path = node.parent ? PathOf(*node.parent) : std::string();
  path += '/';
  path += node.name;
  if (node.parent && node.parent->CountChildren(node.name) > 1) {
    int index = 1;
    for (const Node* n = node.parent->first_child; n != &node; n = n->next) index += n->Is(node.name);
    path += '[' + std::to_string(index) + ']';
  }
  return path;
}

}  // namespace bv::xml
