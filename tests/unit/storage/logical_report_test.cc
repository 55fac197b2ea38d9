#include "storage/logical_report.h"

#include <gtest/gtest.h>

#include "unit/expect_error.h"

namespace bv::storage {
namespace {

// One line a segment; thin pools and inactive volumes are none, and what is in brackets is LVM's own.
TEST(LogicalReport, ReadsVolumes) {
  auto volumes = ReadLogicalVolumes(
      "  one##u-1#/dev/sda(0)#linear#1#8388608#4194304#12582912#-wi-a-----\n"
      "  one##u-1#/dev/sdb(3)#linear#1#4194304#4194304#12582912#-wi-ao----\n"
      "  wide##u-2#/dev/sda(2),/dev/sdb(0)#striped#2#8388608#4194304#8388608#-wi-a-----\n"
      "  snap#one#u-3#/dev/sda(9)#linear#1#4194304#4194304#12582912#swi-a-s---\n"
      "  sparse#[sparse_vorigin]#u-4#/dev/sda(10)#linear#1#4194304#4194304#12582912#swi-a-s---\n"
      "  pool##u-5#pool_tdata(0)#thin-pool#1#4194304#4194304#4194304#twi-a-tz--\n"
      "  thin##u-6##thin#0#4194304#4194304#4194304#Vwi-a-tz--\n"
      "  off##u-7#/dev/sda(11)#linear#1#4194304#4194304#4194304#-wi-------\n");
  ASSERT_EQ(volumes.size(), 5u);
  ASSERT_EQ(volumes[0].extents.size(), 2u);
  EXPECT_EQ(volumes[0].extents[1].device, "/dev/sdb");
  EXPECT_EQ(volumes[0].extents[1].start, 3u * 4194304);
  EXPECT_EQ(volumes[0].extents[1].end, 4u * 4194304);
  EXPECT_EQ(volumes[1].extents.size(), 2u);
  EXPECT_EQ(volumes[2].origin, "one");
  EXPECT_EQ(volumes[3].origin, "");
  EXPECT_EQ(volumes[4].name, "thin");
  EXPECT_TRUE(volumes[4].extents.empty());
}

TEST(LogicalReport, RefusesWhatIsNoReport) {
  for (const char* bad : {"one#two", "one##u#/dev/sda(x)#linear#1#1#1#1#-wi-a-----", "one##u#/dev/sda#linear#1#1#1#1#-wi-a-----",
                          "one##u#/dev/sda(0)#linear#1#-1#1#1#-wi-a-----"}) {
    ExpectError([&] { ReadLogicalVolumes(bad); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
  }
  ExpectError([] { ReadGroupSizes("12"); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
  EXPECT_EQ(ReadGroupSizes("  100:40\n"), (std::pair<std::uint64_t, std::uint64_t>{100, 40}));
}

// A group is found by its name, and must have one of the devices that a pool names.
TEST(LogicalReport, FindsGroups) {
  auto groups = ReadPhysicalVolumes("  /dev/sda vg0\n  /dev/sdb vg0\n  /dev/sdc\n  /dev/sdd other\n");
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].devices.size(), 2u);
  model::PoolSource wanted;
  wanted.name = "vg0";
  CheckGroup(wanted, groups);
  wanted.devices.emplace_back().path = "/dev/sdb";
  wanted.devices.emplace_back().path = "/dev/sdz";
  CheckGroup(wanted, groups);
  wanted.devices.erase(wanted.devices.begin());
  ExpectError([&] { CheckGroup(wanted, groups); }, ErrorDomain::kStorage, ErrorCode::kConfigUnsupported);
  wanted.name = "vg";
  ExpectError([&] { CheckGroup(wanted, groups); }, ErrorDomain::kStorage, ErrorCode::kConfigUnsupported);
}

TEST(LogicalReport, CreateCommand) {
  auto command = [](std::uint64_t capacity, std::uint64_t allocation, const char* backing = nullptr) {
    model::VolumeDef volume;
    volume.name = "v";
    volume.capacity = capacity;
    volume.allocation = allocation;
    if (backing) volume.backing.emplace().path = backing;
    std::string text;
    for (auto& word : CreateCommand("vg", volume)) text += word + " ";
    return text;
  };
  EXPECT_EQ(command(1025, 1025), "lvcreate --name v -L 2K vg --yes ");
  EXPECT_EQ(command(4096, 0), "lvcreate --name v -L 1K --type snapshot --virtualsize 4K vg --yes ");
  EXPECT_EQ(command(4096, 4096, "/dev/vg/a"), "lvcreate --name v -L 4K -s /dev/vg/a --yes ");
}

}  // namespace
}  // namespace bv::storage
