#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/xml.h"

// How documents come to be, for their two readers: one for what nearly all of them are made of, and libxml2 for
// the rest and for everything that is wrong.
namespace bv::xml {

// Memory of a tree: blocks that only grow, and whatever else its views point to.
struct Document::Storage {
  // Aligned for nodes.
  void* Allocate(std::size_t size) {
    size = (size + kAlign - 1) & ~(kAlign - 1);
    if (static_cast<std::size_t>(end - at) < size) [[unlikely]] Grow(size);
    void* result = at;
    at += size;
    return result;
  }
  void Grow(std::size_t size);

  static constexpr std::size_t kAlign = alignof(Node);
  std::vector<std::unique_ptr<char[]>> blocks;
  char *at = nullptr, *end = nullptr;  // what is free of the last one
  std::size_t last_size = 0;
  std::shared_ptr<void> names;
};

// Hangs nodes together in the order in which a reader comes by them. Views handed over must live as long as the
// document: Keep() makes them do so.
class Tree {
 public:
  explicit Tree(Document& document) : document_(document), storage_(*document.storage_) { open_.reserve(16); }

  char* Allocate(std::size_t size) { return static_cast<char*>(storage_.Allocate(size)); }
  std::string_view Keep(std::string_view text);
  void KeepNames(std::shared_ptr<void> names) { storage_.names = std::move(names); }

  // An element within the one that is open, or the root.
  Node& Open(std::string_view name) {
    Node* node = New<Node>();
    node->name = name;
    node->name_index = NameIndex(name);
    if (open_.empty()) document_.root_ = node;
    else Append(node);
    open_.push_back({node, &node->first_child, &node->attributes, &node->namespaces});
    return *node;
  }
  // Of the element that was opened last, before anything is in it.
  void AddNamespace(std::string_view prefix, std::string_view uri);
  Attribute& AddAttribute(std::string_view name, std::string_view value) {
    OpenElement& element = open_.back();
    auto* attribute = New<Attribute>();
    attribute->name = name;
    attribute->name_index = NameIndex(name);
    attribute->value = value;
    element.node->attribute_bits |= std::uint64_t{1} << attribute->name_index;
    *element.attribute_end = attribute;
    element.attribute_end = &attribute->next;
    return *attribute;
  }
  // All text between two tags or comments; `ends` when the element's end follows. White space between elements is
  // dropped; the text of an element without children goes to the element, other text becomes a node.
  void Text(std::string_view text, bool ends);
  // Outside the root it is dropped.
  void Comment(std::string_view text);
  void Close() { open_.pop_back(); }

  std::size_t depth() const { return open_.size(); }
  const Node& innermost() const { return *open_.back().node; }
  bool HasRoot() const { return document_.root_; }

 private:
  struct OpenElement {
    Node* node;
    const Node** child_end;
    const Attribute** attribute_end;
    const NamespaceDeclaration** namespace_end;
  };
  template <typename T>
  T* New() {
    static_assert(alignof(T) <= Document::Storage::kAlign);
    return new (storage_.Allocate(sizeof(T))) T();
  }
  void Append(Node* node) {
    OpenElement& parent = open_.back();
    node->parent = parent.node;
    parent.node->child_bits |= std::uint64_t{1} << node->name_index;
    *parent.child_end = node;
    parent.child_end = &node->next;
  }

  Document& document_;
  Document::Storage& storage_;
  std::vector<OpenElement> open_;
};

// Reads a document of elements, attributes, comments and the five named entities in ASCII. False, with half a tree,
// for all that is more or is not well-formed.
bool ReadPlain(std::string_view text, Tree& tree);
// Reads any document, or throws as Document::Parse() does.
void ReadWithLibxml(std::string_view text, ErrorDomain domain, std::string_view what, Tree& tree);

}  // namespace bv::xml
