// The description mechanism on a struct of its own: reading, writing, faults with libvirt's codes,
// validation, and hostile documents through the whole domain language.
#include "model/describe/engine.h"

#include <gtest/gtest.h>

#include <chrono>

#include "model/domain/device_xml.h"
#include "model/domain/domain.h"

namespace bv::model {
namespace {

struct Wheel {
  unsigned size = 0;
  OnOff brake = OnOff::kAbsent;
};
struct Cart {
  std::string name;
  std::optional<std::uint64_t> load;
  bool covered = false;
  std::vector<Wheel> wheels;
  std::optional<Wheel> spare;
};
constexpr RowOf<Wheel> kWheelRows[] = {
    Attr<&Wheel::size>("size").Required().Hex(2),
    Attr<&Wheel::brake>("brake"),
};
constexpr Description<Wheel> kWheel{kWheelRows};
constexpr RowOf<Cart> kWheelsRows[] = {Child<&Cart::wheels>("wheel", kWheel)};
constexpr RowOf<Cart> kCartRows[] = {
    TextChild<&Cart::name>("name").Required().Fails(Fault::kDomainXml),
    Size<&Cart::load>("load", kKiB),
    Flag<&Cart::covered>("covered"),
    Group("wheels", kWheelsRows),
    Child<&Cart::spare>("spare", kWheel),
};
constexpr Description<Cart> kCart{kCartRows};

Cart Read(std::string_view xml) {
  auto doc = xml::Document::Parse(xml, ErrorDomain::kNetwork, "cart");
  Validate(kCart, doc.root());
  Cart cart;
  Parser(ErrorDomain::kNetwork, 0).Read(kCart, cart, doc.root());
  return cart;
}
std::string Write(const Cart& cart) {
  xml::Writer out;
  Formatter(out, 0).Write("cart", kCart, cart);
  return out.Take();
}

TEST(Describe, ReadsAndWritesInOrder) {
  Cart cart = Read(
      "<cart><spare size='3'/><wheels><wheel size='0x10' brake='on'/><wheel size='2'/></wheels>"
      "<load unit='MiB'>2</load><covered/><name>a&amp;b</name></cart>");
  EXPECT_EQ(Write(cart),
            "<cart>\n  <name>a&amp;b</name>\n  <load unit='KiB'>2048</load>\n  <covered/>\n  <wheels>\n"
            "    <wheel size='0x10' brake='on'/>\n    <wheel size='0x02'/>\n  </wheels>\n  <spare size='0x03'/>\n</cart>\n");
}

TEST(Describe, EmptyGroupsAreNotWritten) { EXPECT_EQ(Write(Read("<cart><name>x</name><wheels/></cart>")), "<cart>\n  <name>x</name>\n</cart>\n"); }

TEST(Describe, FaultsCarryTheirCodes) {
  struct {
    const char* xml;
    ErrorCode code;
    ErrorDomain domain;
    const char* message;
  } rows[] = {
      {"<cart/>", ErrorCode::kXmlError, ErrorDomain::kNetwork, "XML error: missing element 'name' in element 'cart'"},
      {"<cart><name>x</name><spare/></cart>", ErrorCode::kXmlError, ErrorDomain::kXml,
       "XML error: Missing required attribute 'size' in element 'spare'"},
      {"<cart><name>x</name><spare size='1' brake='yes'/></cart>", ErrorCode::kXmlError, ErrorDomain::kXml,
       "XML error: Invalid value for attribute 'brake' in element 'spare': 'yes'."},
      {"<cart><name>x</name><spare size='-1'/></cart>", ErrorCode::kXmlError, ErrorDomain::kXml,
       "XML error: Invalid value for attribute 'size' in element 'spare': '-1'. Expected non-negative integer value"},
      {"<cart><name>x</name><load unit='furlong'>1</load></cart>", ErrorCode::kInvalidArg, ErrorDomain::kNone,
       "invalid argument: unknown suffix 'furlong'"},
      {"<cart><name>x</name><wheels><axle/></wheels></cart>", ErrorCode::kXmlInvalidSchema, ErrorDomain::kXml,
       "XML document failed to validate against schema: /cart/wheels/axle: unexpected element"},
      {"<cart><name>x</name><wheels><wheel size='1'/><wheel size='1' colour='red'/></wheels></cart>", ErrorCode::kXmlInvalidSchema,
       ErrorDomain::kXml, "XML document failed to validate against schema: /cart/wheels/wheel[2]: unexpected attribute 'colour'"},
  };
  for (auto& row : rows) {
    try {
      Read(row.xml);
      ADD_FAILURE() << row.xml;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, row.code) << row.xml;
      EXPECT_EQ(error.domain, row.domain) << row.xml;
      EXPECT_EQ(error.message, row.message);
    }
  }
}

TEST(Describe, UnitsScale) {
  struct {
    const char* unit;
    std::uint64_t bytes;
  } rows[] = {{"", 1024}, {"b", 1}, {"bytes", 1}, {"k", 1024}, {"KB", 1000}, {"MiB", 1 << 20}, {"G", 1 << 30}};
  for (auto& row : rows) EXPECT_EQ(ScaleToBytes(1, row.unit, 1024), row.bytes) << row.unit;
  EXPECT_THROW(ScaleToBytes(~0ull, "k", 1), Error);
}

TEST(DomainXml, HostileDefinitionsFailInBoundedTime) {
  auto begin = std::chrono::steady_clock::now();
  auto refused = [](const std::string& xml) { EXPECT_THROW(ParseDomain(xml, kParseInactive), Error); };
  std::string head = "<domain type='kvm'><name>x</name><memory>1024</memory><os><type>hvm</type></os><devices>";
  std::string chain;
  for (int i = 0; i < 100000; ++i) chain += "<backingStore type='file'><format type='raw'/><source file='/x'/>";
  refused(head + "<disk><target dev='vda'/>" + chain);
  refused(head + "<disk type='" + std::string(5 << 20, 'x') + "'/>");
  refused(std::string(10 << 20, '<'));
  std::string nested = head;
  for (int i = 0; i < 100000; ++i) nested += "<a>";
  refused(nested);
  std::string bomb = "<!DOCTYPE domain [<!ENTITY a0 'ha'>";
  for (int i = 1; i < 40; ++i) bomb += "<!ENTITY a" + std::to_string(i) + " '&a" + std::to_string(i - 1) + ";&a" + std::to_string(i - 1) + ";'>";
  refused(bomb + "]><domain type='kvm'><name>&a39;</name></domain>");
  refused(std::string("<domain type='kvm'><name>\xc3\x28</name></domain>"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(DomainXml, ExternalEntitiesAreNotResolved) {
  const char* text =
      "<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain type='kvm'><name>x</name><title>a&e;b</title>"
      "<memory>1024</memory><os><type arch='x86_64'>hvm</type></os></domain>";
  try {
    EXPECT_EQ(ParseDomain(text, kParseInactive).title.find("root"), std::string::npos);
  } catch (const Error&) {
  }
}

TEST(DeviceXml, OneDeviceComesBack) {
  DomainDef def;
  const char* text = "<watchdog model='ib700' action='reset'>\n  <alias name='watchdog0'/>\n</watchdog>\n";
  ParseDevice(text, 0, def);
  ASSERT_EQ(def.watchdogs.size(), 1u);
  EXPECT_EQ(FormatDevices(def, 0), text);
  EXPECT_THROW(ParseDevice("<dish/>", 0, def), Error);
}

}  // namespace
}  // namespace bv::model
