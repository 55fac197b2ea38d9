#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <iterator>

#include "base/xml_tree.h"

namespace bv::xml {

namespace {

constexpr std::size_t kContextWidth = 80;
// More than the wire carries in one string; what libxml2 itself takes as the longest text.
constexpr std::size_t kMaxDocument = 10'000'000;

std::string_view View(const xmlChar* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

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

// libxml2 holds each attribute of an element against all others: many of them in one take it minutes.
constexpr std::ptrdiff_t kMaxAttributes = 256;

struct Skipped {
  std::string_view begin, end;
};
constexpr Skipped kSkipped[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

bool HasCrowdedElement(std::string_view text) {
  for (std::size_t at = text.find('<'); at < text.size(); at = text.find('<', at)) {
    std::string_view rest = text.substr(at);
    if (auto skipped = std::ranges::find_if(kSkipped, [&](auto& s) { return rest.starts_with(s.begin); }); skipped != std::end(kSkipped)) {
      at = text.find(skipped->end, at + skipped->begin.size());
      continue;
    }
    // What a document type says has another syntax; nobody needs one here.
    if (rest.starts_with("<!")) return std::ranges::count(rest, '=') > kMaxAttributes;
    std::ptrdiff_t attributes = 0;
    for (++at; at < text.size() && text[at] != '>'; ++at) {
      if (text[at] == '=' && ++attributes > kMaxAttributes) return true;
      if (text[at] == '"' || text[at] == '\'') at = std::min(text.find(text[at], at + 1), text.size());
    }
  }
  return false;
}

// Receives libxml2's SAX events.
class Reader {
 public:
  explicit Reader(Tree& tree) : tree_(tree) {}

  void Parse(std::string_view text, ErrorDomain domain, std::string_view what) {
    xmlSAXHandler handler{};
    handler.initialized = XML_SAX2_MAGIC;
    handler.startElementNs = [](void* self, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri, int ns_count,
                                const xmlChar** ns, int attr_count, int, const xmlChar** attrs) {
      static_cast<Reader*>(self)->Start(name, prefix, uri, ns_count, ns, attr_count, attrs);
    };
    handler.endElementNs = [](void* self, const xmlChar*, const xmlChar*, const xmlChar*) { static_cast<Reader*>(self)->End(); };
    handler.characters = handler.ignorableWhitespace = handler.cdataBlock = [](void* self, const xmlChar* text, int size) {
      static_cast<Reader*>(self)->pending_.append(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    };
    handler.comment = [](void* self, const xmlChar* text) { static_cast<Reader*>(self)->Comment(View(text)); };
    handler.entityDecl = [](void* self, const xmlChar*, int, const xmlChar*, const xmlChar*, xmlChar*) {
      auto* reader = static_cast<Reader*>(self);
      if (reader->error_.empty()) reader->Fail("entity declarations are not accepted");
      xmlStopParser(reader->context_);
    };
    handler.getEntity = [](void*, const xmlChar* name) { return xmlGetPredefinedEntity(name); };
    handler.serror = [](void* self, xmlErrorPtr error) {
      auto* reader = static_cast<Reader*>(self);
      if (error->level == XML_ERR_FATAL && reader->error_.empty()) reader->Fail(error->message ? error->message : "");
    };

    if (text.size() > kMaxDocument) {
      throw Error(domain, ErrorCode::kXmlError, "'(" + std::string(what) + ")' is larger than " + std::to_string(kMaxDocument) + " bytes");
    }
    if (HasCrowdedElement(text)) {
      throw Error(domain, ErrorCode::kXmlError, "'(" + std::string(what) + ")' has an element with more than " + std::to_string(kMaxAttributes) + " attributes");
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
    tree_.KeepNames(std::shared_ptr<void>(context_->dict, [](void* dict) { xmlDictFree(static_cast<xmlDictPtr>(dict)); }));
    xmlParseDocument(context_);
    context_->sax = original;
    bool well_formed = context_->wellFormed;
    xmlFreeDoc(context_->myDoc);  // what entities were declared in before we stopped, if any were
    xmlFreeParserCtxt(context_);
    if (!error_.empty()) {
      throw Error(domain, ErrorCode::kXmlDetail, "(" + std::string(what) + "):" + std::to_string(line_) + ": " + error_);
    }
    if (!well_formed || !tree_.HasRoot()) {
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
    bool undeclared = prefix && !uri;  // such a prefix is part of the name
    Node& node = tree_.Open(undeclared ? tree_.Keep(std::string(View(prefix)) + ":" + std::string(View(name))) : View(name));
    if (!undeclared) node.prefix = View(prefix);
    node.ns = View(uri);
    for (int i = 0; i < ns_count; ++i) tree_.AddNamespace(View(ns[i * 2]), View(ns[i * 2 + 1]));
    for (int i = 0; i < attr_count; ++i) {  // five pointers each: name, prefix, URI, value, its end
      const xmlChar** row = attrs + i * 5;
      std::string_view value(reinterpret_cast<const char*>(row[3]), static_cast<std::size_t>(row[4] - row[3]));
      tree_.AddAttribute(View(row[0]), tree_.Keep(value)).prefix = View(row[1]);
    }
  }

  void End() {
    FlushText(true);
    tree_.Close();
  }

  void Comment(std::string_view text) {
    FlushText(false);
    tree_.Comment(tree_.Keep(text));
  }

  void FlushText(bool ends) {
    if (!pending_.empty()) tree_.Text(tree_.Keep(pending_), ends);
    pending_.clear();
  }

  Tree& tree_;
  xmlParserCtxtPtr context_ = nullptr;
  std::string pending_;
  std::string error_;
  int line_ = 0;
};

}  // namespace

void ReadWithLibxml(std::string_view text, ErrorDomain domain, std::string_view what, Tree& tree) {
  Reader(tree).Parse(text, domain, what);
}

}  // namespace bv::xml
