// <cpu> documents of the CPU calls: what libvirt 9.0 refuses, with its code and domain, and what comes back.
#include "cpu/cpu_xml.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::cpu {
namespace {

using model::CpuType;

struct Bad {
  const char* xml;
  CpuType type;
  bool validate;
  ErrorCode code;
  ErrorDomain domain;
};

constexpr Bad kBad[] = {
    {"<nocpu/>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"", CpuType::kAuto, false, ErrorCode::kXmlDetail, ErrorDomain::kCpu},
    {"<cpu match='exact'><model>486</model></cpu>", CpuType::kHost, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu mode='custom'/>", CpuType::kHost, false, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu mode='wild'/>", CpuType::kAuto, false, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu match='vaguely'/>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kXml},
    {"<cpu match='exact'><arch>x86_64</arch></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><arch>pdp11</arch><model>x</model></cpu>", CpuType::kAuto, false, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu><arch>x86_64</arch></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><vendor>AMD</vendor></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><model fallback='x'>486</model></cpu>", CpuType::kAuto, false, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu><model vendor_id='short'>486</model></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><feature name='sse'/></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><model>486</model><feature name='a'/><feature name='a'/></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kCpu},
    {"<cpu><model>486</model><feature name='a' policy='b'/></cpu>", CpuType::kAuto, false, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu><topology sockets='0' cores='1' threads='1'/></cpu>", CpuType::kAuto, false, ErrorCode::kXmlError, ErrorDomain::kXml},
    {"<cpu migratable='on'><model>486</model></cpu>", CpuType::kAuto, true, ErrorCode::kConfigUnsupported, ErrorDomain::kCpu},
    {"<cpu mode='wild'/>", CpuType::kAuto, true, ErrorCode::kXmlInvalidSchema, ErrorDomain::kXml},
    {"<cpu><model>486</model><feature name='a'/></cpu>", CpuType::kAuto, true, ErrorCode::kXmlInvalidSchema, ErrorDomain::kXml},
    {"<cpu colour='red'/>", CpuType::kAuto, true, ErrorCode::kXmlInvalidSchema, ErrorDomain::kXml},
};

TEST(CpuXml, Refuses) {
  for (const Bad& bad : kBad) {
    try {
      ParseCpu(bad.xml, bad.type, bad.validate);
      ADD_FAILURE() << "accepted " << bad.xml;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, bad.code) << bad.xml << ": " << error.what();
      EXPECT_EQ(error.domain, bad.domain) << bad.xml << ": " << error.what();
    }
  }
}

TEST(CpuXml, HostComesBack) {
  std::string xml =
      "<cpu>\n"
      "  <arch>x86_64</arch>\n"
      "  <model>EPYC</model>\n"
      "  <vendor>AMD</vendor>\n"
      "  <microcode version='16777317'/>\n"
      "  <signature family='26' model='2' stepping='1'/>\n"
      "  <counter name='tsc' frequency='2596122000' scaling='no'/>\n"
      "  <topology sockets='1' dies='1' cores='2' threads='1'/>\n"
      "  <maxphysaddr mode='emulate' bits='48'/>\n"
      "  <feature name='ht'/>\n"
      "  <pages unit='KiB' size='4'/>\n"
      "</cpu>\n";
  EXPECT_EQ(FormatCpu(ParseCpu(xml, CpuType::kHost)), xml);
}

TEST(CpuXml, GuestComesBack) {
  std::string xml =
      "<cpu mode='custom' match='minimum' check='partial'>\n"
      "  <model fallback='forbid' vendor_id='KVMKVMKVMKVM'>486</model>\n"
      "  <cache level='3' mode='emulate'/>\n"
      "  <feature policy='optional' name='sse'/>\n"
      "</cpu>\n";
  EXPECT_EQ(FormatCpu(ParseCpu(xml, CpuType::kGuest)), xml);
}

}  // namespace
}  // namespace bv::cpu
