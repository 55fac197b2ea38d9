// Which disks a snapshot is of, what a redefinition may change, and how snapshots hang together.
#include "qemu/snapshot_rules.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "qemu/backup_rules.h"
#include "qemu/checkpoint_rules.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using model::SnapshotState;

constexpr char kDisks[] =
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/proc/a.img'/><target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/etc/passwd'/><target dev='vdb' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>";

model::DomainDef Domain(const std::string& disks = kDisks) {
  return model::ParseDomain("<domain type='qemu'><name>d</name><uuid>4aa590b2-9863-49e8-8511-f4a3ffc5774d</uuid><memory>1024</memory>"
                            "<os><type>hvm</type></os><devices>" + disks + "</devices></domain>", model::kParseInactive);
}

model::Snapshot Parse(const std::string& disks, const char* more = "") {
  return model::ParseSnapshot("<domainsnapshot><name>s</name>" + std::string(more) + "<disks>" + disks + "</disks></domainsnapshot>", 0);
}

template <typename F>
std::string FaultOf(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message;
  }
  return {};
}

std::string Locations(const model::Snapshot& snapshot) {
  std::string text;
  for (auto& disk : snapshot.disks) text += disk.name + "=" + std::string(ToString(disk.location)) + " ";
  return text;
}

TEST(AlignSnapshotDisks, EveryDiskGetsItsPlace) {
  auto def = Domain();
  auto snapshot = Parse("<disk name='/etc/passwd'/>");
  AlignSnapshotDisks(snapshot, def, {});
  EXPECT_EQ(Locations(snapshot), "vda=internal vdb=internal sda=no ");
}

TEST(AlignSnapshotDisks, OverlaysAreNamedAfterTheSnapshot) {
  auto def = Domain();
  auto snapshot = Parse("<disk name='vda' snapshot='no'/>");
  AlignSnapshotDisks(snapshot, def, {.location = SnapshotLocation::kExternal, .uniform = false});
  EXPECT_EQ(Locations(snapshot), "vda=no vdb=external sda=no ");
  EXPECT_EQ(snapshot.disks[1].source.path, "/etc/passwd.s");
}

TEST(AlignSnapshotDisks, RefusesWhatCannotBe) {
  auto def = Domain();
  auto fault = [&](const char* disks, SnapshotAlignment alignment = {}) {
    return FaultOf([&] {
      auto snapshot = Parse(disks);
      AlignSnapshotDisks(snapshot, def, alignment);
    });
  };
  EXPECT_NE(fault("<disk name='vdz'/>").find("no disk named 'vdz'"), std::string::npos);
  EXPECT_NE(fault("<disk name='vda'/><disk name='/proc/a.img'/>").find("specified twice"), std::string::npos);
  EXPECT_NE(fault("<disk name='vda' snapshot='no'/>").find("must use snapshot mode 'internal'"), std::string::npos);
  EXPECT_NE(fault("<disk name='a'/><disk name='b'/><disk name='c'/><disk name='d'/>").find("too many"), std::string::npos);
  // /proc/a.img is not there.
  EXPECT_NE(fault("", {SnapshotLocation::kExternal, false}).find("not a regular file"), std::string::npos);
}

std::unique_ptr<model::Snapshot> Defined(const char* name, const char* parent, SnapshotState state = SnapshotState::kShutoff) {
  auto snapshot = std::make_unique<model::Snapshot>();
  snapshot->name = name;
  snapshot->parent = parent;
  snapshot->state = state;
  snapshot->domain = std::make_unique<model::DomainDef>(Domain());
  return snapshot;
}

TEST(MomentTree, ParentsAndFilters) {
  MomentTree<model::Snapshot> tree;
  tree.Add(Defined("a", ""));
  tree.Add(Defined("b", "a", SnapshotState::kRunning));
  tree.Add(Defined("c", "b"));
  tree.Add(Defined("d", "a"));
  auto names = [&](const char* from, unsigned flags) {
    std::string text;
    for (auto* snapshot : ListSnapshots(tree, from ? tree.Find(from) : nullptr, flags)) text += snapshot->name;
    return text;
  };
  using namespace moment_list;
  EXPECT_EQ(names(nullptr, 0), "abcd");
  EXPECT_EQ(names(nullptr, kRoots), "a");
  EXPECT_EQ(names(nullptr, kLeaves), "cd");
  EXPECT_EQ(names(nullptr, kNoLeaves), "ab");
  EXPECT_EQ(names(nullptr, kActive), "b");
  EXPECT_EQ(names(nullptr, kNoMetadata), "");
  EXPECT_EQ(names(nullptr, kExternal), "");
  EXPECT_EQ(names("a", 0), "bd");
  EXPECT_EQ(names("a", kDescendants), "bcd");
  EXPECT_EQ(names("a", kDescendants | kLeaves), "cd");
}

TEST(Redefinition, MakesNoCircles) {
  MomentTree<model::Snapshot> tree;
  tree.Add(Defined("a", ""));
  tree.Add(Defined("b", "a"));
  auto uuid = Domain().uuid;
  auto fault = [&](std::unique_ptr<model::Snapshot> snapshot) {
    return FaultOf([&] { PrepareRedefinition(tree, *snapshot, uuid, false); });
  };
  EXPECT_NE(fault(Defined("c", "c")).find("as its own parent"), std::string::npos);
  EXPECT_NE(fault(Defined("c", "x")).find("not found"), std::string::npos);
  EXPECT_NE(fault(Defined("a", "b")).find("would create cycle"), std::string::npos);
  EXPECT_EQ(fault(Defined("c", "b")), "");
  EXPECT_NE(fault(Defined("a", "", SnapshotState::kRunning)).find("online and offline"), std::string::npos);
  EXPECT_NE(FaultOf([&] { PrepareRedefinition(tree, *Defined("c", ""), Uuid(), false); }).find("must use uuid"), std::string::npos);
}

TEST(AlignCheckpointDisks, UnnamedDisksFollowTheNamedOnes) {
  auto def = Domain();
  auto all = model::ParseCheckpoint("<domaincheckpoint><name>c</name></domaincheckpoint>", 0);
  AlignCheckpointDisks(all, def);
  EXPECT_EQ(model::FormatCheckpoint(all, {}),
            "<domaincheckpoint>\n  <name>c</name>\n  <disks>\n    <disk name='vda' checkpoint='bitmap' bitmap='c'/>\n"
            "    <disk name='vdb' checkpoint='bitmap' bitmap='c'/>\n    <disk name='sda' checkpoint='no'/>\n  </disks>\n</domaincheckpoint>\n");
  auto one = model::ParseCheckpoint("<domaincheckpoint><name>c</name><disks><disk name='vdb' bitmap='x'/></disks></domaincheckpoint>", 0);
  AlignCheckpointDisks(one, def);
  EXPECT_EQ(one.disks[0].type, model::CheckpointType::kNo);
  EXPECT_EQ(one.disks[1].bitmap, "x");
  auto empty = model::ParseCheckpoint("<domaincheckpoint><disks><disk name='sda'/></disks></domaincheckpoint>", 0);
  EXPECT_NE(FaultOf([&] { AlignCheckpointDisks(empty, def); }).find("empty or readonly"), std::string::npos);
}

TEST(AlignBackup, FilesAreMadeUp) {
  auto def = Domain();
  auto backup = model::ParseBackup("<domainbackup/>");
  AlignBackup(backup, def, "7");
  EXPECT_EQ(backup.disks[1].store.path, "/etc/passwd.7");
  EXPECT_EQ(backup.disks[1].store.format, model::StorageFormat::kQcow2);
  EXPECT_FALSE(backup.disks[2].wanted);
  auto none = model::ParseBackup("<domainbackup><disks><disk name='vda' backup='no'/></disks></domainbackup>");
  EXPECT_NE(FaultOf([&] { AlignBackup(none, def, "7"); }).find("no disks selected"), std::string::npos);
}

}  // namespace
}  // namespace bv::qemu
