#include <algorithm>
#include <array>
#include <cstring>

#include "base/xml_tree.h"

// Nearly every document is of this kind, and libxml2 is careful enough about the others to take several times as
// long. Whatever is doubtful here is left to it: so there is one place that knows what is wrong and how to say it.
namespace bv::xml {

namespace {

constexpr char kFourBlanks[] = "    ";
constexpr std::size_t kMaxSize = 1 << 20, kMaxName = 1000, kMaxDepth = 200, kMaxAttributes = 100;  // below libxml2's

// What a character may be.
enum : std::uint8_t {
  kNameStart = 1 << 0,
  kName = 1 << 1,
  kBlank = 1 << 2,
  kText = 1 << 3,   // stands for itself between tags
  kValue = 1 << 4,  // stands for itself in an attribute
};
constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = ' '; c < 0x7f; ++c) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (letter) classes[c] |= kNameStart;
    if (letter || (c >= '0' && c <= '9') || c == '-' || c == '.') classes[c] |= kName;
    if (c != '<' && c != '&' && c != '>') classes[c] |= kText;
    if (c != '<' && c != '&' && c != '\'' && c != '"') classes[c] |= kValue;
  }
  classes[' '] |= kBlank;
  classes['\n'] = classes['\t'] = kBlank | kText;
  return classes;
}();

bool Is(char c, std::uint8_t what) { return kClasses[static_cast<unsigned char>(c)] & what; }

struct Name {
  std::string_view prefix, local;
};

class PlainReader {
 public:
  // `text` ends with NULs, as many as are looked at in one go, and gets its entities replaced in place.
  PlainReader(char* text, std::size_t size, Tree& tree) : at_(text), end_(text + size), tree_(tree) {}

  bool Read() {
    do {
      if (!ReadText() || !ReadMarkup()) return false;
    } while (tree_.depth() > 0 || !tree_.HasRoot());
    while (at_ != end_) {  // after the root: nothing but comments and white space
      SkipBlanks();
      if (at_ != end_ && !(StartsWith("<!--") && ReadComment())) return false;
    }
    return true;
  }

 private:
  bool StartsWith(std::string_view text) const {
    return static_cast<std::size_t>(end_ - at_) >= text.size() && std::memcmp(at_, text.data(), text.size()) == 0;
  }
  bool Skip(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  bool SkipBlanks() {
    if (!Is(*at_, kBlank)) return false;
    do {
      ++at_;
      while (std::memcmp(at_, kFourBlanks, 4) == 0) at_ += 4;
    } while (Is(*at_, kBlank));
    return true;
  }

  // All up to the next tag or comment, which is mostly the indentation of the next line.
  bool ReadText() {
    char* from = at_;
    SkipBlanks();
    if (*at_ == '<' && (at_[1] != '/' || tree_.depth() == 0 || tree_.innermost().first_child)) return true;
    at_ = from;
    char* to = at_;
    for (;; *to++ = *at_++) {
      char* run = at_;
      while (Is(*at_, kText)) ++at_;
      Move(run, &to);
      if (*at_ == '&') {
        if (!ReadEntity()) return false;
      } else if (*at_ != '>' || (at_ != from && at_[-1] == ']')) {
        break;
      }
    }
    if (*at_ != '<') return false;
    std::string_view text(from, static_cast<std::size_t>(to - from));
    if (tree_.depth() == 0) return text.find_first_not_of(" \n\t") == std::string_view::npos;
    tree_.Text(text, at_[1] == '/');
    return true;
  }

  bool ReadValue(std::string_view* value) {
    char quote = *at_;
    if (quote != '\'' && quote != '"') return false;
    char* from = ++at_;
    char* to = at_;
    for (;; ++at_) {
      char* run = at_;
      while (Is(*at_, kValue)) ++at_;
      Move(run, &to);
      if (*at_ == quote) break;
      if (*at_ == '&') {
        if (!ReadEntity()) return false;
        *to++ = *at_;
      } else if (Is(*at_, kBlank)) {
        *to++ = ' ';
      } else if (*at_ == '\'' || *at_ == '"') {
        *to++ = *at_;
      } else {
        return false;
      }
    }
    ++at_;
    *value = {from, static_cast<std::size_t>(to - from)};
    return true;
  }

  // What was read since `run`, behind what was kept before.
  void Move(const char* run, char** to) {
    auto size = static_cast<std::size_t>(at_ - run);
    if (run != *to) std::memmove(*to, run, size);
    *to += size;
  }

  // Leaves what the entity stands for in its last character.
  bool ReadEntity() {
    struct Entity {
      std::string_view text;
      char meaning;
    };
    static constexpr Entity kEntities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&apos;", '\''}, {"&quot;", '"'}};
    for (const Entity& entity : kEntities) {
      if (!StartsWith(entity.text)) continue;
      at_ += entity.text.size() - 1;
      *at_ = entity.meaning;
      return true;
    }
    return false;
  }

  bool ReadPart(std::string_view* part) {
    const char* from = at_;
    if (!Is(*at_, kNameStart)) return false;
    while (Is(*at_, kName)) ++at_;
    *part = {from, static_cast<std::size_t>(at_ - from)};
    return part->size() <= kMaxName;
  }
  bool ReadName(Name* name) {
    if (!ReadPart(&name->local)) return false;
    if (!Skip(':')) return true;
    name->prefix = name->local;
    return ReadPart(&name->local);
  }

  bool ReadMarkup() {
    if (at_[1] == '/') return tree_.depth() > 0 && ReadEndTag();
    return at_[1] == '!' ? ReadComment() : ReadStartTag();
  }

  bool ReadComment() {
    if (!StartsWith("<!--")) return false;
    at_ += 4;
    char* from = at_;
    while (Is(*at_, kText) || *at_ == '<' || *at_ == '>' || *at_ == '&') {
      if (StartsWith("--")) break;
      ++at_;
    }
    std::string_view text(from, static_cast<std::size_t>(at_ - from));
    if (!StartsWith("-->")) return false;
    at_ += 3;
    tree_.Comment(text);
    return true;
  }

  bool ReadEndTag() {
    at_ += 2;
    const Node& node = tree_.innermost();
    for (std::string_view part : {node.prefix, node.name}) {
      if (part.empty()) continue;
      if (!StartsWith(part)) return false;
      at_ += part.size();
      if (part.data() == node.prefix.data() && !Skip(':')) return false;
    }
    SkipBlanks();
    if (!Skip('>')) return false;
    tree_.Close();
    return true;
  }

  bool ReadStartTag() {
    ++at_;
    Name name;
    if (tree_.depth() == kMaxDepth || !ReadName(&name)) return false;
    Node& node = tree_.Open(name.local);
    node.prefix = name.prefix;
    std::size_t count = 0;
    bool prefixes = false;
    while (SkipBlanks() && !(*at_ == '/' || *at_ == '>')) {
      Name attribute;
      std::string_view value;
      if (++count > kMaxAttributes || !ReadName(&attribute)) return false;
      SkipBlanks();
      if (!Skip('=')) return false;
      SkipBlanks();
      if (!ReadValue(&value)) return false;
      if (IsXmlns(attribute.local) || IsXmlns(attribute.prefix)) {
        if (!Declare(node, attribute, value)) return false;
        continue;
      }
      if ((node.attribute_bits >> NameIndex(attribute.local) & 1) && node.Attr(attribute.local)) return false;
      tree_.AddAttribute(attribute.local, value).prefix = attribute.prefix;
      prefixes |= !attribute.prefix.empty();
    }
    bool empty = Skip('/');
    if (!Skip('>')) return false;
    if (!Resolve(node, node.prefix, &node.ns) && !node.prefix.empty()) return false;
    if (prefixes) {
      std::string_view ns;
      for (auto* a = node.attributes; a; a = a->next) {
        if (!a->prefix.empty() && !Resolve(node, a->prefix, &ns)) return false;
      }
    }
    if (empty) tree_.Close();
    return true;
  }

  static bool IsXmlns(std::string_view name) { return name.size() == 5 && std::memcmp(name.data(), "xmlns", 5) == 0; }

  // Names that XML itself is about are left to libxml2.
  bool Declare(const Node& node, const Name& name, std::string_view uri) {
    std::string_view prefix = name.prefix.empty() ? std::string_view() : name.local;
    if (!name.prefix.empty() && name.prefix != "xmlns") return false;
    if (uri.empty() || uri.starts_with("http://www.w3.org/") || prefix.starts_with("xml")) return false;
    for (auto* d = node.namespaces; d; d = d->next) {
      if (d->prefix == prefix) return false;
    }
    tree_.AddNamespace(prefix, uri);
    declared_ = true;
    return true;
  }
  bool Resolve(const Node& node, std::string_view prefix, std::string_view* uri) const {
    for (const Node* n = declared_ ? &node : nullptr; n; n = n->parent) {
      for (auto* d = n->namespaces; d; d = d->next) {
        if (d->prefix != prefix) continue;
        *uri = d->uri;
        return true;
      }
    }
    return false;
  }

  char* at_;
  const char* end_;
  Tree& tree_;
  bool declared_ = false;
};

}  // namespace

bool ReadPlain(std::string_view text, Tree& tree) {
  if (text.size() > kMaxSize) return false;
  char* copy = tree.Allocate(text.size() + sizeof(kFourBlanks));
  std::fill_n(std::copy(text.begin(), text.end(), copy), sizeof(kFourBlanks), 0);
  return PlainReader(copy, text.size(), tree).Read();
}

}  // namespace bv::xml
