// Secrets, snapshots and checkpoints: documents come back as libvirt writes them, faults have its codes.
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/checkpoint.h"
#include "model/secret.h"
#include "model/snapshot.h"

namespace bv::model {
namespace {

template <typename F>
std::pair<int, int> CodeOf(F f) {
  try {
    f();
  } catch (const Error& e) {
    return {static_cast<int>(e.code), static_cast<int>(e.domain)};
  }
  return {0, 0};
}

TEST(Secret, ComesBack) {
  const char* text =
      "<secret ephemeral='no' private='yes'>\n  <uuid>27f25d34-aea6-4e2a-be85-fa2c18380be8</uuid>\n"
      "  <description>d</description>\n  <usage type='iscsi'>\n    <target>t</target>\n  </usage>\n</secret>\n";
  EXPECT_EQ(FormatSecret(ParseSecret(text, true)), text);
  EXPECT_EQ(CodeOf([] { ParseSecret("<secret ephemeral='maybe'/>", false); }), std::pair(27, 30));
  EXPECT_EQ(CodeOf([] { ParseSecret("<secret><uuid>z</uuid></secret>", false); }), std::pair(1, 30));
  EXPECT_EQ(CodeOf([] { ParseSecret("<secret><usage/></secret>", false); }), std::pair(27, 30));
  EXPECT_EQ(CodeOf([] { ParseSecret("<secret><usage type='bogus'/></secret>", false); }), std::pair(67, 30));
  EXPECT_EQ(CodeOf([] { ParseSecret("<secret><usage type='tls'/></secret>", false); }), std::pair(1, 30));
  EXPECT_FALSE(ParseSecret("<secret ephemeral=''/>", false).ephemeral);
  EXPECT_EQ(CodeOf([] { ParseSecret("<secrets/>", false); }), std::pair(27, 5));
}

constexpr char kDomain[] = "<domain type='kvm'><name>d</name><memory>1024</memory><os><type>hvm</type></os><devices/></domain>";

TEST(Snapshot, RedefinitionNeedsEverything) {
  auto code = [](const std::string& inner) {
    return CodeOf([&] { ParseSnapshot("<domainsnapshot>" + inner + "</domainsnapshot>", kMomentRedefine); });
  };
  std::string name = "<name>s</name>", time = "<creationTime>5</creationTime>", state = "<state>shutoff</state>";
  EXPECT_EQ(code(""), std::pair(27, 35));
  EXPECT_EQ(code(name), std::pair(1, 35));
  EXPECT_EQ(code(name + time), std::pair(27, 35));
  EXPECT_EQ(code(name + time + "<state>nostate</state>"), std::pair(67, 35));
  // Its definition may come from the one that it replaces.
  EXPECT_EQ(code(name + time + state), std::pair(0, 0));
  EXPECT_EQ(code(name + time + state + kDomain), std::pair(0, 0));
}

TEST(Snapshot, DisksWithASourceAreExternal) {
  Snapshot s = ParseSnapshot("<domainsnapshot><disks><disk name='vda'><source file='/x'/></disk><disk name='vdb' snapshot='no'/></disks></domainsnapshot>", 0);
  EXPECT_EQ(s.disks[0].location, SnapshotLocation::kExternal);
  EXPECT_NE(FormatSnapshot(s, {}).find("<disk name='vda' snapshot='external' type='file'>\n      <source file='/x'/>"), std::string::npos);
  EXPECT_EQ(CodeOf([] { ParseSnapshot("<domainsnapshot><memory file='x'/></domainsnapshot>", 0); }), std::pair(27, 35));
}

TEST(Checkpoint, ComesBack) {
  Checkpoint c = ParseCheckpoint(
      std::string("<domaincheckpoint><name>c</name><creationTime>7</creationTime><parent><name>b</name></parent>"
                  "<disks><disk name='vda' checkpoint='bitmap' bitmap='c'/></disks>") + kDomain + "</domaincheckpoint>", kMomentRedefine);
  EXPECT_EQ(FormatCheckpoint(c, {.domain = false}),
            "<domaincheckpoint>\n  <name>c</name>\n  <parent>\n    <name>b</name>\n  </parent>\n  <creationTime>7</creationTime>\n"
            "  <disks>\n    <disk name='vda' checkpoint='bitmap' bitmap='c'/>\n  </disks>\n</domaincheckpoint>\n");
}

TEST(Checkpoint, IsHeldAgainstItsSchema) {
  auto code = [](const std::string& inner) {
    return CodeOf([&] { ParseCheckpoint("<domaincheckpoint>" + inner + "</domaincheckpoint>", kMomentValidate); });
  };
  EXPECT_EQ(code("<name>c.1</name><description>any text</description><disks><disk name='vda' checkpoint='no'/></disks>"), std::pair(0, 0));
  for (auto* bad : {"<name>.c</name>", "<name>a/b</name>", "<disks/>", "<foo/>", "<disks><disk name='zz'/></disks>",
                    "<disks><disk name='vda' checkpoint='no' bitmap='x'/></disks>", "<creationTime>-1</creationTime>"}) {
    EXPECT_EQ(code(bad), std::pair(92, 5)) << bad;
  }
}

TEST(Snapshot, IsHeldAgainstItsSchemaWhenAsked) {
  auto code = [](const std::string& inner, unsigned flags) {
    return CodeOf([&] { ParseSnapshot("<domainsnapshot>" + inner + "</domainsnapshot>", flags); });
  };
  EXPECT_EQ(code("<foo/>", 0), std::pair(0, 0));
  EXPECT_EQ(code("<name>any name</name><disks><disk name='vda'><source file='/x'/></disk></disks>", kMomentValidate), std::pair(0, 0));
  for (auto* bad : {"<foo/>", "<memory/>", "<memory snapshot='no' file='/x'/>", "<disks><disk/></disks>",
                    "<disks><disk name='vda' snapshot='internal'><driver/></disk></disks>", "<state>off</state>"}) {
    EXPECT_EQ(code(bad, kMomentValidate), std::pair(92, 5)) << bad;
  }
}

}  // namespace
}  // namespace bv::model
