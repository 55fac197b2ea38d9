// XML trees and the writer: what documents become, how malformed and hostile ones are refused.
#include "base/xml.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bv::xml {
namespace {

Document Parse(std::string_view text) { return Document::Parse(text, ErrorDomain::kDomain, "domain_definition"); }

Error ErrorOf(std::string_view text) {
  try {
    Parse(text);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << text.substr(0, 80);
  return Error(ErrorDomain::kNone, ErrorCode::kOk);
}

TEST(XmlTree, ElementsAttributesAndText) {
  auto doc = Parse("<a x='1' y=\"&amp;&lt;&#65;\">\n  <b>text &gt; more</b>\n  <c/><b>2</b>\n</a>");
  const Node& a = doc.root();
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.AttrOr("y"), "&<A");
  EXPECT_FALSE(a.Attr("z"));
  EXPECT_EQ(a.ChildText("b"), "text > more");
  EXPECT_EQ(a.Child("b")->Next("b")->text, "2");
  EXPECT_EQ(a.CountChildren("b"), 2u);
  EXPECT_EQ(PathOf(*a.Child("b")->Next("b")), "/a/b[2]");
  EXPECT_EQ(a.Child("c")->line, 3u);
}

TEST(XmlTree, NamespacesKeepElementsApart) {
  auto doc = Parse("<a xmlns:q='urn:q'><q:b/><b z='1'/></a>");
  EXPECT_EQ(doc.root().Child("b")->AttrOr("z"), "1");
  EXPECT_EQ(doc.root().first_child->ns, "urn:q");
}

TEST(XmlTree, MalformedDocumentsSayWhere) {
  struct {
    const char* text;
    const char* message;
  } rows[] = {
      {"", "(domain_definition):1: Document is empty\n(null)\n^"},
      {"text", "(domain_definition):1: Start tag expected, '<' not found\ntext\n^"},
      {"<domain>", "(domain_definition):1: Premature end of data in tag domain line 1\n<domain>\n--------^"},
      {"<domain", "(domain_definition):1: Couldn't find end of Start Tag domain line 1\n<domain\n-------^"},
  };
  for (auto& row : rows) {
    Error error = ErrorOf(row.text);
    EXPECT_EQ(error.message, row.message);
    EXPECT_EQ(error.code, ErrorCode::kXmlDetail);
    EXPECT_EQ(error.domain, ErrorDomain::kDomain);
  }
}

TEST(XmlTree, WrongRoot) {
  try {
    Document::Parse("<x/>", ErrorDomain::kDomain, "domain_definition", "domain");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "XML error: expecting root element of 'domain', not 'x'");
    EXPECT_EQ(error.domain, ErrorDomain::kXml);
  }
}

TEST(XmlTree, HostileDocumentsFailInBoundedTime) {
  auto begin = std::chrono::steady_clock::now();
  std::string bomb = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string("<!ENTITY ") + c + " '";
    for (int i = 0; i < 10; ++i) bomb += std::string("&") + char(c - 1) + ";";
    bomb += "'>";
  }
  bomb += "]><a>&j;</a>";
  ErrorOf(bomb);
  ErrorOf("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>");
  ErrorOf("<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;]><a/>");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  ErrorOf(deep);
  ErrorOf("<a>\xff\xfe</a>");
  ErrorOf("<a b='" + std::string(10 << 20, 'x') + "'/");
  ErrorOf("<a>" + std::string(11 << 20, 'x') + "</a>");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(XmlTree, ExternalSubsetIsNotRead) { EXPECT_EQ(Parse("<!DOCTYPE a SYSTEM '/dev/zero'><a/>").root().name, "a"); }

TEST(XmlWriter, IndentsAndEscapes) {
  Writer w;
  w.Open("a");
  w.Attr("x", "it's <\"&>");
  w.TextElement("b", "t\x01xt");
  auto mark = w.Open("gone");
  auto inner = w.Open("gone-too");
  w.CloseUnlessEmpty("gone-too", inner);
  w.CloseUnlessEmpty("gone", mark);
  w.EmptyElement("c");
  w.Close("a");
  EXPECT_EQ(w.Take(), "<a x='it&apos;s &lt;&quot;&amp;&gt;'>\n  <b>txt</b>\n  <c/>\n</a>\n");
}

TEST(XmlWriter, CopiesTrees) {
  auto doc = Parse("<m xmlns:p='urn:p'><p:a x='1'><b>t</b><!-- c --></p:a></m>");
  Writer w(1);
  w.Copy(*doc.root().first_child);
  EXPECT_EQ(w.Take(), "  <p:a xmlns:p=\"urn:p\" x=\"1\">\n    <b>t</b>\n    <!-- c -->\n  </p:a>\n");
}

}  // namespace
}  // namespace bv::xml
