// <network>: what is written is what was read, and each rule has libvirt's code. Expectations are what the
// original daemon answers.
#include "model/network.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::model {
namespace {

constexpr char kUuid[] = "<uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid>";
constexpr char kIp[] = "<ip address='10.1.2.1' netmask='255.255.255.0'/>";

std::string Network(const std::string& body) { return std::string("<network><name>t</name>") + kUuid + body + "</network>"; }

// The lines between name, uuid and the end, without their indentation.
std::string Rewrite(const std::string& body) {
  std::string text = FormatNetwork(ParseNetwork(Network(body), 0), kNetworkInactive), out;
  text = text.substr(text.find("</uuid>\n") + 8);
  text = text.substr(0, text.rfind("</network>"));
  bool line_start = true;
  for (char c : text) {
    line_start = c == '\n' || (line_start && c == ' ');
    if (!line_start) out += c;
  }
  return out;
}

std::pair<ErrorDomain, ErrorCode> Refusal(const std::string& body) {
  try {
    ParseNetwork(Network(body), 0);
  } catch (const Error& error) {
    return {error.domain, error.code};
  }
  return {ErrorDomain::kNone, ErrorCode::kOk};
}

TEST(NetworkXmlTest, DefaultsAreWritten) {
  EXPECT_EQ(Rewrite(""), "<bridge stp='on' delay='0'/>");
  EXPECT_EQ(Rewrite(std::string("<forward dev='eth0'/>") + kIp),
            "<forward dev='eth0' mode='nat'><interface dev='eth0'/></forward><bridge stp='on' delay='0'/>"
            "<ip address='10.1.2.1' netmask='255.255.255.0'/>");
  EXPECT_EQ(Rewrite("<forward mode='hostdev'><pf dev='lo'/></forward>"), "<forward mode='hostdev' managed='no'><pf dev='lo'/></forward>");
}

TEST(NetworkXmlTest, LeasesKeepTheirUnit) {
  const char* text = "<range start='10.1.2.2' end='10.1.2.9'><lease expiry='5' unit='minutes'/></range>";
  std::string out = Rewrite("<ip address='10.1.2.1' prefix='24'><dhcp><range start='10.1.2.2' end='10.1.2.9'><lease expiry='5'/></range></dhcp></ip>");
  EXPECT_NE(out.find(text), out.npos) << out;
}

TEST(NetworkXmlTest, BootpNeedsAddressesToGive) {
  EXPECT_EQ(Rewrite("<ip address='10.1.2.1'><dhcp><bootp file='x'/></dhcp></ip>").find("bootp"), std::string::npos);
}

TEST(NetworkXmlTest, RefusesWithLibvirtsCodes) {
  struct Row {
    const char* body;
    ErrorDomain domain;
    ErrorCode code;
  };
  constexpr ErrorDomain kNet = ErrorDomain::kNetwork;
  const Row rows[] = {
      {"<forward mode='nat'/>", kNet, ErrorCode::kXmlError},
      {"<forward mode='x'/>", kNet, ErrorCode::kConfigUnsupported},
      {"<mac address='01:00:5e:00:00:01'/>", kNet, ErrorCode::kXmlError},
      {"<bridge delay='x'/>", kNet, ErrorCode::kXmlError},
      {"<ip address='10.0.0.1' prefix='33'/>", kNet, ErrorCode::kConfigUnsupported},
      {"<ip address='10.0.0.1' prefix='x'/>", ErrorDomain::kXml, ErrorCode::kXmlError},
      {"<ip address='10.1.2.1' prefix='24'><dhcp><range start='10.1.2.9' end='10.1.2.2'/></dhcp></ip>", ErrorDomain::kNone,
       ErrorCode::kInternalError},
      {"<ip address='10.1.2.1' prefix='24'><dhcp><range start='x' end='10.1.2.2'/></dhcp></ip>", ErrorDomain::kNone,
       ErrorCode::kSystemError},
      {"<dns><txt name='a b' value='c'/></dns>", kNet, ErrorCode::kXmlDetail},
      {"<dns enable='no'><txt name='a' value='c'/></dns>", kNet, ErrorCode::kXmlError},
      {"<bandwidth><inbound average='5' floor='3'/></bandwidth>", ErrorDomain::kNone, ErrorCode::kConfigUnsupported},
      {"<virtualport/>", ErrorDomain::kNone, ErrorCode::kXmlError},
      {"<route address='10.9.0.0' prefix='16' gateway='10.1.2.2'/>", kNet, ErrorCode::kConfigUnsupported},
      {"<forward mode='bridge'><interface dev='e'/></forward><bridge name='x'/>", kNet, ErrorCode::kXmlError},
  };
  for (const Row& row : rows) EXPECT_EQ(Refusal(row.body), std::pair(row.domain, row.code)) << row.body;
}

TEST(NetworkXmlTest, IsHeldAgainstTheSchema) {
  auto code = [](const char* body) {
    try {
      ParseNetwork(Network(body), kNetworkValidate);
    } catch (const Error& error) {
      return error.code;
    }
    return ErrorCode::kOk;
  };
  EXPECT_EQ(code("<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.3'/></dhcp></ip>"), ErrorCode::kOk);
  EXPECT_EQ(code("<metadata><x:y xmlns:x='u:x'><ip bogus='1'/></x:y></metadata>"), ErrorCode::kOk);
  for (const char* body : {"<bogus/>", "<ip address='10.0.0.1' bogus='1'/>", "<ip address='10.0.0.1'><dhcp><bogus/></dhcp></ip>",
                           "<dns><txt name='a'/></dns>", "<dns><host ip='1.2.3.4'/></dns>", "<domain/>"}) {
    EXPECT_EQ(code(body), ErrorCode::kXmlInvalidSchema) << body;
  }
}

}  // namespace
}  // namespace bv::model
