#include "model/nwfilter/filter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "model/nwfilter/binding.h"

namespace bv::model {
namespace {

constexpr char kUuid[] = "<uuid>01a992d2-f8c8-7c27-f69b-ab0a9d377379</uuid>";

std::string Filter(const std::string& rules, const std::string& attributes = "") {
  return "<filter name='f'" + attributes + ">" + kUuid + rules + "</filter>";
}

// The element of the protocol in a rule, as it is written back.
std::string Rewritten(const std::string& element) {
  std::string rule = "<rule action='accept' direction='in'>" + element + "</rule>";
  std::string text = FormatFilter(ParseFilter(Filter(rule), false));
  std::string out;
  for (std::string_view line : SplitAt(text, '\n')) {
    if (line.starts_with("    ")) out += line.substr(4);
  }
  return out;
}

struct Row {
  const char* in;
  const char* out;  // null: refused
};

TEST(FilterTest, ValuesInCanonicalForm) {
  const Row kRows[] = {
      {"<mac protocolid='0x800'/>", "<mac protocolid='ipv4'/>"},
      {"<mac protocolid='ARP'/>", "<mac protocolid='arp'/>"},
      {"<mac protocolid='0x5ff'/>", nullptr},
      {"<mac srcmacaddr='1:2:3:4:5:6'/>", "<mac srcmacaddr='01:02:03:04:05:06'/>"},
      {"<mac srcmacmask='1:2:3:4:5:6'/>", nullptr},
      {"<vlan encap-protocol='59'/>", nullptr},
      {"<arp opcode='0x3' gratuitous='on'/>", "<arp opcode='Request_Reverse' gratuitous='false'/>"},
      {"<ip protocol='0x11' dscp='0x3f'/>", "<ip protocol='udp' dscp='0x3f'/>"},
      {"<ip dscp='64'/>", nullptr},
      {"<ip srcportstart='5'/>", nullptr},
      {"<tcp dstportstart='010'/>", "<tcp dstportstart='10'/>"},
      {"<tcp dstportstart='65536'/>", nullptr},
      {"<tcp connlimit-above='0x5'/>", nullptr},
      {"<tcp srcipaddr='1.2.3' srcipmask='255.255.255.0'/>", "<tcp srcipaddr='1.2.0.3' srcipmask='24'/>"},
      {"<tcp srcipmask='255.0.255.0'/>", nullptr},
      {"<tcp-ipv6 srcipaddr='FE80::1' srcipmask='ffff::'/>", "<tcp-ipv6 srcipaddr='fe80::1' srcipmask='16'/>"},
      {"<tcp-ipv6 srcipaddr='1.2.3.4'/>", nullptr},
      {"<tcp flags='syn,SYN/all'/>", "<tcp flags='SYN/ALL'/>"},
      {"<tcp flags='SYN'/>", nullptr},
      {"<tcp state='ESTABLISHED,new'/>", "<tcp state='NEW,ESTABLISHED'/>"},
      {"<all ipset='s' ipsetflags='SRC,dst'/>", "<all ipset='s' ipsetflags='src,dst'/>"},
      {"<all ipsetflags='src,dst,src,dst,src,dst,src'/>", nullptr},
      {"<tcp foo='1'/>", "<tcp/>"},
      {"<foo/>", ""},
  };
  for (const Row& row : kRows) {
    if (row.out) {
      EXPECT_EQ(Rewritten(row.in), row.out);
    } else {
      EXPECT_THROW(Rewritten(row.in), Error) << row.in;
    }
  }
}

TEST(FilterTest, Variables) {
  const Row kRows[] = {
      {"<tcp srcipaddr='$A'/>", "<tcp srcipaddr='$A'/>"},
      {"<tcp srcipaddr='$A[@0]'/>", "<tcp srcipaddr='$A'/>"},
      {"<tcp srcipaddr='$A[ @1 ]'/>", "<tcp srcipaddr='$A[@1]'/>"},
      {"<tcp srcipaddr='$A[ 2]'/>", "<tcp srcipaddr='$A[2]'/>"},
      {"<tcp srcipaddr='$A['/>", nullptr},
      {"<tcp srcipaddr='$A[x]'/>", nullptr},
      {"<tcp srcipaddr='$A-B'/>", nullptr},
  };
  for (const Row& row : kRows) {
    if (row.out) {
      EXPECT_EQ(Rewritten(row.in), row.out);
    } else {
      EXPECT_THROW(Rewritten(row.in), Error) << row.in;
    }
  }
}

// Elements of one protocol add up; what is negated stands apart from what is not.
TEST(FilterTest, ElementsOfARuleAddUp) {
  EXPECT_EQ(Rewritten("<tcp match='no' srcipaddr='10.1.2.3'/><tcp srcipmask='32' comment='c'/><udp dscp='1'/>"),
            "<tcp match='no' srcipaddr='10.1.2.3' srcipmask='32'/><tcp comment='c'/>");
  EXPECT_EQ(Rewritten("<tcp dstportstart='1'/><tcp dstportstart='2'/>"), "<tcp dstportstart='2'/>");
}

TEST(FilterTest, ChainsAndPriorities) {
  EXPECT_EQ(ParseFilter(Filter("", " chain='arp-x'"), false).chain_priority, -500);
  EXPECT_EQ(ParseFilter(Filter("", " chain='rarp' priority='7'"), false).chain_priority, 7);
  for (const char* bad : {" chain='x'", " chain='ipv4-abcdefgh'", " chain='arp b'", " priority='1001'", " priority='x'"}) {
    EXPECT_THROW(ParseFilter(Filter("", bad), false), Error) << bad;
  }
}

TEST(FilterTest, ValidationKnowsTheLanguage) {
  EXPECT_NO_THROW(ParseFilter(Filter("<rule action='drop' direction='in'><tcp match='no' dscp='1'/></rule>"), true));
  for (const char* bad : {"<foo/>", "<rule action='drop' direction='in' x='y'/>", "<rule action='drop' direction='in'><foo/></rule>",
                          "<rule action='drop' direction='in'><tcp vlanid='1'/></rule>"}) {
    EXPECT_THROW(ParseFilter(Filter(bad), true), Error) << bad;
    EXPECT_NO_THROW(ParseFilter(Filter(bad), false)) << bad;
  }
}

TEST(FilterBindingTest, ReadsWhatItWrote) {
  const std::string text =
      "<filterbinding>\n  <owner>\n    <name>o</name>\n    <uuid>6d0f31a5-0f1d-4f2c-9d4a-6c3a5f0e1b11</uuid>\n  </owner>\n"
      "  <portdev name='tap0'/>\n  <mac address='52:54:00:6d:90:01'/>\n  <filterref filter='f'>\n"
      "    <parameter name='A' value='2'/>\n    <parameter name='A' value='1'/>\n    <parameter name='IP' value='1.2.3.4'/>\n"
      "  </filterref>\n</filterbinding>\n";
  FilterBinding binding = ParseFilterBinding(text, true);
  EXPECT_EQ(FormatFilterBinding(binding), text);
  EXPECT_EQ(FormatFilterBinding(ParseFilterBindingStatus(FormatFilterBindingStatus(binding))), text);
  EXPECT_THROW(ParseFilterBinding("<filterbinding><portdev name='x'/></filterbinding>", false), Error);
}

}  // namespace
}  // namespace bv::model
