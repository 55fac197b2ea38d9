#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <cstring>
#include <vector>

#include "base/xml.h"

namespace bv::xml {

namespace {

constexpr std::size_t kFirstBlock = 8 * 1024;
constexpr std::size_t kContextWidth = 80;
// More than the wire carries in one string; what libxml2 itself takes as the longest text.
constexpr std::size_t kMaxDocument = 10'000'000;

std::string_view View(const xmlChar* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// The line the parser stands on and a pointer under the place, as libvirt's clients know it.
std::string Context(const xmlParserInput* input) {
  if (!input || !input->base || !*input->base) return "(null)\n^";
  const char* base = reinterpret_cast<const char*>(input->base);
  const char* cur = reinterpret_cast<const char*>(input->cur);
  const char* end = reinterpret_cast<const char*>(input->end);
  while (cur > base && (*cur == '\n' || *cur == '\r')) --cur;
  const char* start = cur;
  while (start > base && static_cast<std::size_t>(cur - start) < kContextWidth && start[-1] != '\n' && start[-1] != '\r') --start;
  const char* stop = start;
  while (stop < end && static_cast<std::size_t>(stop - start) < kContextWidth && *stop && *stop != '\n' && *stop != '\r') ++stop;
  std::string result(start, stop);
  result += '\n';
  result.append(static_cast<std::size_t>(cur - start), '-');
  result += '^';
  return result;
}

}  // namespace

// Memory of a tree: blocks that only grow, and the dictionary that holds the names.
struct Document::Storage {
  ~Storage() {
    if (dict) xmlDictFree(dict);
  }
  void* Allocate(std::size_t size, std::size_t align) {
    used = (used + align - 1) & ~(align - 1);
    if (blocks.empty() || used + size > capacity) {
      capacity = std::max(blocks.empty() ? kFirstBlock : capacity * 2, size);
      blocks.push_back(std::make_unique_for_overwrite<char[]>(capacity));
      used = 0;
    }
    void* result = blocks.back().get() + used;
    used += size;
    return result;
  }
  template <typename T>
  T* New() {
    return new (Allocate(sizeof(T), alignof(T))) T();
  }
  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    auto* copy = static_cast<char*>(Allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  std::vector<std::unique_ptr<char[]>> blocks;
  std::size_t used = 0, capacity = 0;
  xmlDictPtr dict = nullptr;
};

Document::Document() : storage_(std::make_unique<Storage>()) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

// Receives libxml2's SAX events and hangs nodes together.
class TreeBuilder {
 public:
  explicit TreeBuilder(Document* document) : document_(document), storage_(*document->storage_) {}

  void Parse(std::string_view text, ErrorDomain domain, std::string_view what) {
    xmlSAXHandler handler{};
    handler.initialized = XML_SAX2_MAGIC;
    handler.startElementNs = [](void* self, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri, int ns_count,
                                const xmlChar** ns, int attr_count, int, const xmlChar** attrs) {
      static_cast<TreeBuilder*>(self)->Start(name, prefix, uri, ns_count, ns, attr_count, attrs);
    };
    handler.endElementNs = [](void* self, const xmlChar*, const xmlChar*, const xmlChar*) { static_cast<TreeBuilder*>(self)->End(); };
    handler.characters = handler.ignorableWhitespace = handler.cdataBlock = [](void* self, const xmlChar* text, int size) {
      static_cast<TreeBuilder*>(self)->pending_.append(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    };
    handler.comment = [](void* self, const xmlChar* text) { static_cast<TreeBuilder*>(self)->Comment(View(text)); };
    handler.entityDecl = [](void* self, const xmlChar*, int, const xmlChar*, const xmlChar*, xmlChar*) {
      auto* builder = static_cast<TreeBuilder*>(self);
      if (builder->error_.empty()) builder->Fail("entity declarations are not accepted");
      xmlStopParser(builder->context_);
    };
    handler.getEntity = [](void*, const xmlChar* name) { return xmlGetPredefinedEntity(name); };
    handler.serror = [](void* self, xmlErrorPtr error) {
      auto* builder = static_cast<TreeBuilder*>(self);
      if (error->level == XML_ERR_FATAL && builder->error_.empty()) builder->Fail(error->message ? error->message : "");
    };

    if (text.size() > kMaxDocument) {
      throw Error(domain, ErrorCode::kXmlError, "'(" + std::string(what) + ")' is larger than " + std::to_string(kMaxDocument) + " bytes");
    }
    // libxml2 makes no parser for an empty memory area.
    static constexpr std::string_view kNothing("\0", 1);
    if (text.empty()) text = kNothing;
    context_ = xmlCreateMemoryParserCtxt(text.data(), static_cast<int>(text.size()));
    if (!context_) throw Error(domain, ErrorCode::kXmlError, "failed to parse xml document '(" + std::string(what) + ")'");
    xmlSAXHandler* original = context_->sax;
    context_->sax = &handler;
    context_->userData = this;
    xmlCtxtUseOptions(context_, XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOENT);
    xmlDictReference(context_->dict);
    storage_.dict = context_->dict;
    xmlParseDocument(context_);
    context_->sax = original;
    bool well_formed = context_->wellFormed;
    xmlFreeParserCtxt(context_);
    if (!error_.empty()) {
      throw Error(domain, ErrorCode::kXmlDetail, "(" + std::string(what) + "):" + std::to_string(line_) + ": " + error_);
    }
    if (!well_formed || !document_->root_) {
      throw Error(domain, ErrorCode::kXmlError, "failed to parse xml document '(" + std::string(what) + ")'");
    }
  }

 private:
  void Fail(std::string_view message) {
    while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
    line_ = context_->input ? context_->input->line : 0;
    error_ = std::string(message) + "\n" + Context(context_->input);
  }

  void Start(const xmlChar* name, const xmlChar* prefix, const xmlChar* uri, int ns_count, const xmlChar** ns, int attr_count,
             const xmlChar** attrs) {
    FlushText(false);
    Node* node = storage_.New<Node>();
    node->name = View(name);
    node->prefix = View(prefix);
    node->ns = View(uri);
    node->line = context_->input ? static_cast<std::uint32_t>(context_->input->line) : 0;
    if (prefix && !uri) {  // an undeclared prefix is part of the name
      node->name = storage_.Keep(std::string(node->prefix) + ":" + std::string(node->name));
      node->prefix = {};
    }
    const NamespaceDeclaration** ns_tail = &node->namespaces;
    for (int i = 0; i < ns_count; ++i) {
      auto* declaration = storage_.New<NamespaceDeclaration>();
      declaration->prefix = View(ns[i * 2]);
      declaration->uri = View(ns[i * 2 + 1]);
      *ns_tail = declaration;
      ns_tail = &declaration->next;
    }
    const Attribute** tail = &node->attributes;
    for (int i = 0; i < attr_count; ++i) {  // five pointers each: name, prefix, URI, value, its end
      const xmlChar** row = attrs + i * 5;
      auto* attribute = storage_.New<Attribute>();
      attribute->name = View(row[0]);
      node->attribute_bits |= NameBit(attribute->name);
      attribute->prefix = View(row[1]);
      attribute->value = storage_.Keep({reinterpret_cast<const char*>(row[3]), static_cast<std::size_t>(row[4] - row[3])});
      *tail = attribute;
      tail = &attribute->next;
    }
    if (open_.empty()) {
      document_->root_ = node;
    } else {
      Append(node);
    }
    open_.push_back({node, &node->first_child});
  }

  void End() {
    FlushText(true);
    open_.pop_back();
  }

  void Comment(std::string_view text) {
    if (open_.empty()) return;
    // Where it stands between text, both parts stay apart only if that matters: in mixed content.
    FlushText(false);
    Node* node = storage_.New<Node>();
    node->kind = Node::Kind::kComment;
    node->text = storage_.Keep(text);
    Append(node);
  }

  void Append(Node* node) {
    Open& parent = open_.back();
    node->parent = parent.node;
    parent.node->child_bits |= NameBit(node->name);
    *parent.tail = node;
    parent.tail = &node->next;
  }

  // White space between elements is dropped; the text of an element without children goes to the
  // element, other text becomes a node.
  void FlushText(bool at_end) {
    if (pending_.empty() || open_.empty()) {
      pending_.clear();
      return;
    }
    Open& parent = open_.back();
    bool alone = at_end && !parent.node->first_child;
    if (alone) {
      parent.node->text = storage_.Keep(pending_);
    } else if (!IsBlank(pending_)) {
      Node* node = storage_.New<Node>();
      node->kind = Node::Kind::kText;
      node->text = storage_.Keep(pending_);
      Append(node);
      if (parent.node->text.empty()) parent.node->text = node->text;
    }
    pending_.clear();
  }

  struct Open {
    Node* node;
    const Node** tail;
  };
  Document* document_;
  Document::Storage& storage_;
  xmlParserCtxtPtr context_ = nullptr;
  std::vector<Open> open_;
  std::string pending_;
  std::string error_;
  int line_ = 0;
};

Document Document::Parse(std::string_view text, ErrorDomain domain, std::string_view what) {
  Document document;
  TreeBuilder(&document).Parse(text, domain, what);
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

const Node* Node::Child(std::string_view element) const {
  if (!(child_bits & NameBit(element))) return nullptr;
  for (const Node* child = first_child; child; child = child->next) {
    if (child->Is(element)) return child;
  }
  return nullptr;
}

const Node* Node::Next(std::string_view element) const {
  for (const Node* node = next; node; node = node->next) {
    if (node->Is(element)) return node;
  }
  return nullptr;
}

std::optional<std::string_view> Node::Attr(std::string_view attribute) const {
  if (!(attribute_bits & NameBit(attribute))) return std::nullopt;
  for (const Attribute* a = attributes; a; a = a->next) {
    if (a->name == attribute) return a->value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Node::ChildText(std::string_view element) const {
  if (const Node* child = Child(element)) return child->text;
  return std::nullopt;
}

std::size_t Node::CountChildren(std::string_view element) const {
  std::size_t count = 0;
  for (const Node* child = first_child; child; child = child->next) count += child->Is(element);
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
