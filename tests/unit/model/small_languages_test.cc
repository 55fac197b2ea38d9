// Secrets, snapshots and checkpoints: documents come back as libvirt writes them, faults have its codes.
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/moment.h"
#include "model/secret.h"

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
  EXPECT_EQ(code(name + time + state), std::pair(1, 35));
  EXPECT_EQ(code(name + time + state + kDomain), std::pair(0, 0));
}

TEST(Snapshot, DisksWithASourceAreExternal) {
  Snapshot s = ParseSnapshot("<domainsnapshot><disks><disk name='vda'><source file='/x'/></disk><disk name='vdb' snapshot='no'/></disks></domainsnapshot>", 0);
  EXPECT_EQ(s.disks[0].location, SnapshotLocation::kExternal);
  EXPECT_NE(FormatSnapshot(s, 0).find("<disk name='vda' snapshot='external' type='file'>\n      <source file='/x'/>"), std::string::npos);
  EXPECT_EQ(CodeOf([] { ParseSnapshot("<domainsnapshot><memory file='x'/></domainsnapshot>", 0); }), std::pair(27, 35));
}

TEST(Checkpoint, ComesBack) {
  Checkpoint c = ParseCheckpoint(
      std::string("<domaincheckpoint><name>c</name><creationTime>7</creationTime><parent><name>b</name></parent>"
                  "<disks><disk name='vda' checkpoint='bitmap' bitmap='c'/></disks>") + kDomain + "</domaincheckpoint>", kMomentRedefine);
  EXPECT_EQ(FormatCheckpoint(c, 0, false),
            "<domaincheckpoint>\n  <name>c</name>\n  <parent>\n    <name>b</name>\n  </parent>\n  <creationTime>7</creationTime>\n"
            "  <disks>\n    <disk name='vda' checkpoint='bitmap' bitmap='c'/>\n  </disks>\n</domaincheckpoint>\n");
}

}  // namespace
}  // namespace bv::model
