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
}

TEST(XmlTree, NamespacesKeepElementsApart) {
  auto doc = Parse("<a xmlns:q='urn:q'><q:b/><b z='1'/></a>");
  EXPECT_EQ(doc.root().Child("b")->AttrOr("z"), "1");
  EXPECT_EQ(doc.root().first_child->ns, "urn:q");
}

// All that a tree says.
std::string Dump(const Node& node) {
  std::string out = std::to_string(int(node.kind)) + "{" + std::string(node.ns) + "}" + std::string(node.prefix) + ":" + std::string(node.name);
  for (auto* d = node.namespaces; d; d = d->next) out += " xmlns:" + std::string(d->prefix) + "=[" + std::string(d->uri) + "]";
  for (auto* a = node.attributes; a; a = a->next) {
    out += " " + std::string(a->prefix) + ":" + std::string(a->name) + "=[" + std::string(a->value) + "]";
  }
  out += "[" + std::string(node.text) + "](";
  for (auto* child = node.first_child; child; child = child->next) out += Dump(*child);
  return out + std::to_string(node.attribute_bits) + "," + std::to_string(node.child_bits) + ")";
}
std::string Outcome(const std::string& text) {
  try {
    return Dump(Parse(text).root());
  } catch (const Error& error) {
    return "refused";
  }
}

// With a declaration before it a document is always read by libxml2.
TEST(XmlTree, BothReadersSayTheSame) {
  for (std::string text : {
           "<a/>", "<a></a>", "<a ></a >", "\n <!-- one --> <!-- two --><a/>\n<!-- three -->\n", "<a><!----></a>", "<a>x<!-- c -->y</a>",
           "<a> <b/> </a>", "<a> text <b/> more </a>", "<a>\n\t</a>", "<a><b> </b></a>", "<a><!-- c --> </a>", "<a>x<!--c--></a>",
           "<a b='1' c = \"2\"\n d='\"' e=\"'\"/>", "<a b='x\ny\tz'/>", "<a b=' x '/>", "<a b=''/>", "<a b='>'/>", "<a>></a>", "<a>]></a>",
           "<a>]]></a>", "<a>] ]></a>", "<a>]]&gt;</a>", "<a b=']]>'/>", "<a b='&lt;&gt;&amp;&apos;&quot;'>&lt;&gt;&amp;&apos;&quot;</a>",
           "<a>&amp;&amp;lt;</a>", "<a>&</a>", "<a>&lt</a>", "<a>&nbsp;</a>", "<a>&#65;</a>", "<a b='<'/>", "<a b='&'/>", "<a>\r\n</a>",
           "<a b='1' b='2'/>", "<a b='1'c='2'/>", "<a b/>", "<a b=1/>", "<a / >", "< a/>", "<a></b>", "<a></ab>", "<ab></a>", "<a></a", "<a",
           "<a>", "</a>", "<a/><b/>", "<a/>x", "x<a/>", "", " ", "<>", "<1/>", "<-a/>", "<a.b-c_1/>", "<a><![CDATA[<x>]]></a>", "<a><?p i?></a>",
           "<!DOCTYPE a><a/>", "<a><!- x --></a>", "<a><!-- a -- b --></a>", "<a><!-- a ---></a>", "<a><!--></a>", "<a><!---></a>--></a>",
           "<a><!-- \x01 --></a>", "<a>\x01</a>", "<a b='\x01'/>", "<a>\x7f</a>", "<a>\xc3\xa4</a>", "<a>\xff</a>", "<a b='\xc3\xa4'/>",
           "<a xmlns='urn:d'><b/></a>", "<a xmlns:p='urn:p' p:x='1' x='2'><p:b p:y='1'/></a>", "<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'/></p:a>",
           "<p:a xmlns:p='urn:1'></a>", "<p:a xmlns:p='urn:1'></p:a>", "<p:a xmlns:p='urn:1'></p :a>", "<p:a/>", "<a p:x='1'/>", "<a><p:b xmlns:p='u'/><p:c/></a>",
           "<a p:x='1' xmlns:p='u'/>", "<a p:x='1' q:x='1' xmlns:p='u' xmlns:q='u'/>", "<a xmlns=''/>", "<a xmlns:p=''/>", "<a xmlns:xml='u'/>",
           "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "<a xml:lang='en'/>", "<xmlns:a/>", "<a xmlns='u' xmlns='v'/>", "<a xmlns='u u'/>",
           "<a:b:c/>", "<:a/>", "<a:/>", "<a xmlns='u'><b xmlns='v'><c/></b><d/></a>", "<a:b xmlns:a='u'>t</a:b>"}) {
    EXPECT_EQ(Outcome(text), Outcome("<?xml version='1.0'?>" + text)) << text;
  }
  std::string with_nul("<a/>\0", 5);
  EXPECT_EQ(Outcome(with_nul), Outcome("<?xml version='1.0'?>" + with_nul));
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
  auto crowded = [](int attributes) {
    std::string element = "<a";
    for (int i = 0; i < attributes; ++i) element += " a" + std::to_string(i) + "='1'";
    return element + "/>";
  };
  ErrorOf(crowded(100000));
  ErrorOf("<!DOCTYPE a [<!-- \" -->]>" + crowded(100000) + "<!-- \" -->");
  ErrorOf("<a>" + std::string("<!-- ' -->") + crowded(100000) + "<!-- ' --></a>");
  EXPECT_EQ(Parse(crowded(256)).root().AttrOr("a255"), "1");
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

// Text is escaped several characters at a time; a special one may be anywhere among them.
TEST(XmlWriter, EscapesWherever) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (auto [special, escaped] : {std::pair('<', "&lt;"), {'>', "&gt;"}, {'&', "&amp;"}, {'\'', "&apos;"}, {'"', "&quot;"}, {'\x01', ""}, {'\n', "\n"}}) {
        std::string text(size, 'x'), expected;
        text[at] = special;
        AppendEscaped(&expected, text);
        EXPECT_EQ(expected, std::string(at, 'x') + escaped + std::string(size - at - 1, 'x'));
      }
    }
  }
  for (char plain : {' ', '!', '#', '%', ';', '=', '?', '\x7f', '\x80', '\xff'}) {
    std::string text(9, plain), out;
    AppendEscaped(&out, text);
    EXPECT_EQ(out, text);
  }
}

TEST(XmlWriter, CopiesTrees) {
  auto doc = Parse("<m xmlns:p='urn:p'><p:a x='1'><b>t</b><!-- c --></p:a></m>");
  Writer w(1);
  w.Copy(*doc.root().first_child);
  EXPECT_EQ(w.Take(), "  <p:a xmlns:p=\"urn:p\" x=\"1\">\n    <b>t</b>\n    <!-- c -->\n  </p:a>\n");
}

}  // namespace
}  // namespace bv::xml
