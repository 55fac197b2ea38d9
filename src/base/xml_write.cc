#include <algorithm>
#include <vector>

#include "base/xml.h"

namespace bv::xml {

void AppendEscaped(std::string* out, std::string_view text) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    const char* with;
    switch (c) {
      case '<': with = "&lt;"; break;
      case '>': with = "&gt;"; break;
      case '&': with = "&amp;"; break;
      case '\'': with = "&apos;"; break;
      case '"': with = "&quot;"; break;
      default:
        if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') continue;
        with = "";
    }
    out->append(text.substr(from, i - from));
    out->append(with);
    from = i + 1;
  }
  out->append(text.substr(from));
}

Writer::Mark Writer::Open(std::string_view name) {
  Mark mark{out_.size(), 0, tag_open_};
  EndTag();
  Indent();
  out_ += '<';
  out_ += name;
  ++depth_;
  tag_open_ = true;
  mark.body = out_.size();
  return mark;
}

void Writer::Attr(std::string_view name, std::string_view value) {
  out_ += ' ';
  out_ += name;
  out_ += "='";
  AppendEscaped(&out_, value);
  out_ += '\'';
}

void Writer::EndTag() {
  if (tag_open_) out_ += ">\n";
  tag_open_ = false;
}

void Writer::Close(std::string_view name) {
  --depth_;
  if (tag_open_) {
    out_ += "/>\n";
    tag_open_ = false;
    return;
  }
  if (!text_open_) Indent();
  text_open_ = false;
  out_ += "</";
  out_ += name;
  out_ += ">\n";
}

void Writer::CloseUnlessEmpty(std::string_view name, const Mark& mark) {
  if (out_.size() != mark.body) return Close(name);
  --depth_;
  out_.resize(mark.size);
  tag_open_ = mark.tag_open;
}

void Writer::TextContent(std::string_view text) {
  out_ += '>';
  AppendEscaped(&out_, text);
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
  EndTag();
  out_ += xml;
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
  EndTag();
  std::vector<const NamespaceDeclaration*> inherited;
  CollectInherited(node, node, &inherited);
  CopyNode(&out_, node, depth_, false, dropped_namespace, &inherited);
}

}  // namespace bv::xml
