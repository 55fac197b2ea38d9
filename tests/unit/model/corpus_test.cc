// The recorded conformance cases as a yardstick for the domain language alone: what libvirt wrote must
// come back unchanged through our structs, what it accepted we must parse. BV_CONFORMANCE names the
// directory of the cases; without it nothing is tested here. BV_CORPUS_DIFF=1 prints differences.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <json-c/json.h>

#include "base/error.h"
#include "base/xml.h"
#include "model/domain/domain.h"

namespace bv::model {
namespace {

// Attributes sorted, two spaces of indentation: the form that the cases are kept in.
void Canonical(std::string* out, const xml::Node& node, int depth) {
  std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (node.kind != xml::Node::Kind::kElement) return;
  *out += indent + "<" + std::string(node.name);
  std::vector<std::string> attributes;
  for (auto* a = node.attributes; a; a = a->next) {
    std::string text = std::string(a->name) + "=\"";
    xml::AppendEscaped(&text, a->value);
    attributes.push_back(text + "\"");
  }
  std::sort(attributes.begin(), attributes.end());
  for (auto& a : attributes) *out += " " + a;
  if (node.first_child) {
    *out += ">\n";
    for (auto* child = node.first_child; child; child = child->next) Canonical(out, *child, depth + 1);
    *out += indent + "</" + std::string(node.name) + ">\n";
  } else if (node.text.find_first_not_of(" \n\t") != std::string_view::npos) {
    *out += ">";
    xml::AppendEscaped(out, node.text);
    *out += "</" + std::string(node.name) + ">\n";
  } else {
    *out += "/>\n";
  }
}
std::string Canonical(const std::string& text) {
  auto doc = xml::Document::Parse(text, ErrorDomain::kNone, "case");
  std::string out;
  Canonical(&out, doc.root(), 0);
  return out;
}

// "{uri}name" of the cases back to a prefix.
std::string WithPrefixes(std::string text) {
  std::string declarations;
  int count = 0;
  for (std::size_t at; (at = text.find('{')) != std::string::npos && (text[at - 1] == '<' || text[at - 1] == '/');) {
    std::size_t end = text.find('}', at);
    std::string uri = text.substr(at, end - at + 1);
    std::string prefix = "n" + std::to_string(count++);
    for (std::size_t p; (p = text.find(uri)) != std::string::npos;) text.replace(p, uri.size(), prefix + ":");
    declarations += " xmlns:" + prefix + "=\"" + uri.substr(1, uri.size() - 2) + "\"";
  }
  std::size_t first = text.find('>');
  if (!declarations.empty()) text.insert(first, declarations);
  return text;
}

void PrintDiff(const std::string& name, const std::string& want, const std::string& got) {
  std::istringstream a(want), b(got);
  std::vector<std::string> left, right;
  for (std::string line; std::getline(a, line);) left.push_back(line);
  for (std::string line; std::getline(b, line);) right.push_back(line);
  std::size_t i = 0;
  while (i < left.size() && i < right.size() && left[i] == right[i]) ++i;
  std::printf("--- %s, line %zu\n", name.c_str(), i + 1);
  for (std::size_t k = i; k < std::min(left.size(), i + 3); ++k) std::printf("  -%s\n", left[k].c_str());
  for (std::size_t k = i; k < std::min(right.size(), i + 3); ++k) std::printf("  +%s\n", right[k].c_str());
}

std::string String(json_object* object, const char* key) {
  json_object* value = nullptr;
  if (!object || !json_object_object_get_ex(object, key, &value)) return {};
  return json_object_get_string(value);
}

TEST(Corpus, DomainXmlComesBackUnchanged) {
  const char* directory = std::getenv("BV_CONFORMANCE");
  if (!directory) GTEST_SKIP() << "BV_CONFORMANCE is not set";
  bool diff = std::getenv("BV_CORPUS_DIFF") != nullptr;
  std::ifstream file(std::string(directory) + "/domain-define/cases.jsonl");
  int total = 0, same = 0, accepted = 0, errors = 0, errors_same = 0;
  for (std::string line; std::getline(file, line);) {
    json_object* json = json_tokener_parse(line.c_str());
    json_object* expect = nullptr;
    json_object_object_get_ex(json, "expect", &expect);
    std::string name = String(json, "name"), input = String(json, "input"), want = String(expect, "xml");
    if (!want.empty()) {
      ++total;
      try {
        ParseDomain(input, kParseInactive | kParseAbiUpdate);
        ++accepted;
      } catch (const Error& e) {
        if (diff) std::printf("*** %s: refused: %s\n", name.c_str(), e.what());
      }
      try {
        want = WithPrefixes(want);
        std::string got = FormatDomain(ParseDomain(want, kParseInactive), kFormatInactive | kFormatSecure);
        want = Canonical(want);
        got = Canonical(got);
        if (want == got) ++same;
        else if (diff) PrintDiff(name, want, got);
      } catch (const Error& e) {
        if (diff) std::printf("*** %s: output refused: %s\n", name.c_str(), e.what());
      }
    } else {
      ++errors;
      json_object* error = nullptr;
      json_object_object_get_ex(expect, "error", &error);
      int code = std::atoi(String(error, "code").c_str()), domain = std::atoi(String(error, "domain").c_str());
      try {
        ParseDomain(input, kParseInactive | kParseAbiUpdate);
        if (diff && domain != 10) std::printf("... %s: accepted; %d/%d %s\n", name.c_str(), code, domain, String(error, "message").c_str());
      } catch (const Error& e) {
        if (static_cast<int>(e.code) == code && static_cast<int>(e.domain) == domain) ++errors_same;
        else if (diff) std::printf("!!! %s: %d/%d %s, not %d/%d %s\n", name.c_str(), static_cast<int>(e.code), static_cast<int>(e.domain), e.what(), code, domain, String(error, "message").c_str());
      }
    }
    json_object_put(json);
  }
  std::printf("domain XML unchanged: %d of %d; accepted: %d; errors of the parser: %d of %d\n", same, total, accepted, errors_same, errors);
  EXPECT_GE(same * 100, total * 95);
}

}  // namespace
}  // namespace bv::model
