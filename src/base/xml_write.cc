#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/xml.h"

namespace bv::xml {

namespace {

// What stands for a character in text and attributes; null for the most, which stand for themselves.
constexpr auto kEscapes = [] {
  std::array<const char*, 256> escapes{};
  for (int c = 0; c < ' '; ++c) escapes[static_cast<std::size_t>(c)] = "";
  escapes['\t'] = escapes['\n'] = escapes['\r'] = nullptr;
  escapes['<'] = "&lt;";
  escapes['>'] = "&gt;";
  escapes['&'] = "&amp;";
  escapes['\''] = "&apos;";
  escapes['"'] = "&quot;";
  return escapes;
}();
constexpr std::size_t kLongestEscape = 6;

template <typename Part>
void PutEnds(char* at, std::string_view text) {
  std::memcpy(at, text.data(), sizeof(Part));
  std::memcpy(at + text.size() - sizeof(Part), text.data() + text.size() - sizeof(Part), sizeof(Part));
}

// Most of what is written are names of a few letters, and calls take longer than these.
char* Put(char* at, std::string_view text) {
  if (text.size() > 16) std::memcpy(at, text.data(), text.size());
  else if (text.size() >= 8) PutEnds<std::uint64_t>(at, text);
  else if (text.size() >= 4) PutEnds<std::uint32_t>(at, text);
  else if (text.size() >= 2) PutEnds<std::uint16_t>(at, text);
  else if (text.size() == 1) *at = text[0];
  return at + text.size();
}

// Whether all eight stand for themselves. It may say no when they do.
bool ArePlain(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255, kTops = kOnes * 0x80;
  auto any_below = [](std::uint64_t bytes, std::uint64_t limit) { return (bytes - kOnes * limit) & ~bytes; };
  std::uint64_t special = any_below(eight, ' ') | any_below((eight | kOnes * 2) ^ kOnes * '>', 1) |  // < and >
                          any_below((eight | kOnes) ^ kOnes * '\'', 1) | any_below(eight ^ kOnes * '"', 1);  // & ' and "
  return (special & kTops) == 0;
}

char* PutEscaped(char* at, std::string_view text) {
  const char *from = text.data(), *end = from + text.size();
  for (std::uint64_t eight; end - from >= 8; from += 8, at += 8) {
    std::memcpy(&eight, from, 8);
    if (!ArePlain(eight)) break;
    std::memcpy(at, &eight, 8);
  }
  for (; from != end; ++from) {
    if (const char* with = kEscapes[static_cast<unsigned char>(*from)]) [[unlikely]] at = Put(at, with);
    else *at++ = *from;
  }
  return at;
}

constexpr std::size_t kShortIndent = 32;
constexpr char kSpaces[kShortIndent + 1] = "                                ";

[[gnu::noinline]] void Grow(std::string& out, std::size_t size) { out.resize(std::max(out.size() * 2, size)); }

// More than is asked for, so that indentation can be put down as one piece.
[[gnu::always_inline]] inline char* RoomIn(std::string& out, std::size_t used, std::size_t size) {
  size += kShortIndent;
  if (out.size() - used < size) [[unlikely]] Grow(out, used + size);
  return out.data() + used;
}

}  // namespace

void AppendEscaped(std::string* out, std::string_view text) {
  std::size_t size = out->size();
  out->resize(size + text.size() * kLongestEscape);
  out->resize(static_cast<std::size_t>(PutEscaped(out->data() + size, text) - out->data()));
}

char* Writer::Room(std::size_t size) { return RoomIn(out_, used_, size); }

void Writer::Used(const char* end) { used_ = static_cast<std::size_t>(end - out_.data()); }

std::string Writer::Take() {
  out_.resize(used_);
  used_ = 0;
  return std::exchange(out_, {});
}

char* Writer::PutIndent(char* at) const {
  if (indent_ <= kShortIndent) std::memcpy(at, kSpaces, kShortIndent);
  else std::memset(at, ' ', indent_);
  return at + indent_;
}

// The end of a start tag that is followed by lines; needs two bytes.
char* Writer::PutEndOfTag(char* at) {
  if (tag_open_) at = Put(at, ">\n");
  tag_open_ = false;
  return at;
}

Writer::Mark Writer::Open(std::string_view name) {
  Mark mark{used_, 0, tag_open_};
  char* at = PutIndent(PutEndOfTag(Room(indent_ + name.size() + 3)));
  *at++ = '<';
  Used(Put(at, name));
  indent_ += 2;
  tag_open_ = true;
  mark.body = used_;
  return mark;
}

void Writer::Attr(std::string_view name, std::string_view value) {
  char* at = Room(name.size() + value.size() * kLongestEscape + 4);
  *at++ = ' ';
  at = Put(at, name);
  *at++ = '=';
  *at++ = '\'';
  at = PutEscaped(at, value);
  *at++ = '\'';
  Used(at);
}

void Writer::Close(std::string_view name) {
  indent_ -= 2;
  char* at = Room(indent_ + name.size() + 4);
  if (tag_open_) {
    at = Put(at, "/>\n");
  } else {
    if (!text_open_) at = PutIndent(at);
    at = Put(Put(Put(at, "</"), name), ">\n");
  }
  tag_open_ = text_open_ = false;
  Used(at);
}

void Writer::CloseUnlessEmpty(std::string_view name, const Mark& mark) {
  if (used_ != mark.body) return Close(name);
  indent_ -= 2;
  used_ = mark.size;
  tag_open_ = mark.tag_open;
}

void Writer::TextContent(std::string_view text) {
  char* at = Room(text.size() * kLongestEscape + 1);
  *at++ = '>';
  Used(PutEscaped(at, text));
  tag_open_ = false;
  text_open_ = true;
}

void Writer::CloseWithText(std::string_view name, std::string_view text) {
  TextContent(text);
  Close(name);
}

void Writer::TextElement(std::string_view name, std::string_view text) {
  Open(name);
  CloseWithText(name, text);
}

void Writer::EmptyElement(std::string_view name) {
  Open(name);
  Close(name);
}

void Writer::Verbatim(std::string_view xml) {
  Used(Put(PutEndOfTag(Room(xml.size() + 2)), xml));
}

namespace {

// Text in copied XML is escaped as libxml2 does it: quotes stay.
void AppendCopied(std::string* out, std::string_view text, bool attribute) {
  for (char c : text) {
    switch (c) {
      case '<': *out += "&lt;"; break;
      case '>': *out += "&gt;"; break;
      case '&': *out += "&amp;"; break;
      case '"':
        if (attribute) *out += "&quot;";
        else *out += c;
        break;
      case '\r': *out += "&#13;"; break;
      case '\n':
        if (attribute) *out += "&#10;";
        else *out += c;
        break;
      case '\t':
        if (attribute) *out += "&#9;";
        else *out += c;
        break;
      default: *out += c;
    }
  }
}

void AppendName(std::string* out, std::string_view prefix, std::string_view name) {
  if (!prefix.empty()) {
    *out += prefix;
    *out += ':';
  }
  *out += name;
}

bool Declares(const Node& node, std::string_view prefix) {
  for (auto* d = node.namespaces; d; d = d->next) {
    if (d->prefix == prefix) return true;
  }
  return false;
}

// Prefixes used in the tree below `top` but declared above it.
void CollectInherited(const Node& top, const Node& node, std::vector<const NamespaceDeclaration*>* found) {
  if (node.kind == Node::Kind::kElement && !node.ns.empty()) {
    bool inside = false;
    for (const Node* n = &node; !inside; n = n->parent) {
      inside = Declares(*n, node.prefix);
      if (n == &top) break;
    }
    for (const Node* n = top.parent; n && !inside; n = n->parent) {
      for (auto* d = n->namespaces; d; d = d->next) {
        if (d->prefix != node.prefix) continue;
        inside = true;
        if (std::find(found->begin(), found->end(), d) == found->end()) found->push_back(d);
      }
    }
  }
  for (const Node* child = node.first_child; child; child = child->next) CollectInherited(top, *child, found);
}

void AppendDeclaration(std::string* out, const NamespaceDeclaration& d) {
  *out += d.prefix.empty() ? " xmlns" : " xmlns:";
  *out += d.prefix;
  *out += "=\"";
  AppendCopied(out, d.uri, true);
  *out += '"';
}

bool IsMixed(const Node& node) {
  for (const Node* child = node.first_child; child; child = child->next) {
    if (child->kind == Node::Kind::kText) return true;
  }
  return false;
}

// `dropped` is a namespace whose names lose their prefix and whose declarations are left out.
void CopyNode(std::string* out, const Node& node, int depth, bool mixed, std::string_view dropped,
              const std::vector<const NamespaceDeclaration*>* inherited) {
  bool drops = !dropped.empty() && node.ns == dropped;
  std::string_view prefix = drops ? std::string_view() : node.prefix;
  auto declare = [&](const NamespaceDeclaration& d) {
    if (dropped.empty() || d.uri != dropped) AppendDeclaration(out, d);
  };
  auto indent = [&](int by) {
    if (!mixed) out->append(static_cast<std::size_t>(by) * 2, ' ');
  };
  indent(depth);
  if (node.kind == Node::Kind::kText) {
    AppendCopied(out, node.text, false);
  } else if (node.kind == Node::Kind::kComment) {
    *out += "<!--";
    *out += node.text;
    *out += "-->";
  } else {
    *out += '<';
    AppendName(out, prefix, node.name);
    for (auto* d = node.namespaces; d; d = d->next) declare(*d);
    if (inherited) {
      for (auto* d : *inherited) declare(*d);
    }
    for (auto* a = node.attributes; a; a = a->next) {
      *out += ' ';
      AppendName(out, a->prefix, a->name);
      *out += "=\"";
      AppendCopied(out, a->value, true);
      *out += '"';
    }
    if (node.first_child) {
      *out += '>';
      bool inner_mixed = mixed || IsMixed(node);
      if (!inner_mixed) *out += '\n';
      for (const Node* child = node.first_child; child; child = child->next) CopyNode(out, *child, depth + 1, inner_mixed, dropped, nullptr);
      if (!inner_mixed) indent(depth);
    } else if (node.text.empty()) {
      *out += "/>";
      if (!mixed) *out += '\n';
      return;
    } else {
      *out += '>';
      AppendCopied(out, node.text, false);
    }
    *out += "</";
    AppendName(out, prefix, node.name);
    *out += '>';
  }
  if (!mixed) *out += '\n';
}

}  // namespace

void Writer::Copy(const Node& node, std::string_view dropped_namespace) {
  std::vector<const NamespaceDeclaration*> inherited;
  CollectInherited(node, node, &inherited);
  std::string copy;
  CopyNode(&copy, node, static_cast<int>(indent_ / 2), false, dropped_namespace, &inherited);
  Verbatim(copy);
}

}  // namespace bv::xml
