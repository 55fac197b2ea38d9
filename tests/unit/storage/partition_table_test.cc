#include "storage/partition_table.h"

#include <gtest/gtest.h>

#include "unit/expect_error.h"

namespace bv::storage {
namespace {

using model::PartitionFormat;

constexpr const char* kMsdos =
    "Model: Loopback device (loopback)\n"
    "Disk /dev/loop0: 209715200B\n"
    "Sector size (logical/physical): 512B/512B\n"
    "Partition Table: msdos\n"
    "Disk Flags: \n"
    "\n"
    "Number  Start       End         Size        Type      File system  Flags\n"
    "        1024B       1048575B    1047552B              Free Space\n"
    " 1      1048576B    11534335B   10485760B   primary   ext4\n"
    "        11534336B   22020095B   10485760B             Free Space\n"
    " 2      22020096B   105906175B  83886080B   extended               lba\n"
    "        22021120B   31334399B   9313280B              Free Space\n"
    " 5      31457280B   41943039B   10485760B   logical\n"
    "        41943040B   105906175B  63963136B             Free Space\n"
    "        105906176B  209715199B  103809024B            Free Space\n\n";

TEST(PartitionTable, Reads) {
  PartitionTable table = ReadPartitionTable(kMsdos);
  EXPECT_EQ(table.label, "msdos");
  EXPECT_EQ(PoolFormatOf(table.label), "dos");
  EXPECT_EQ(LabelOf("dos"), "msdos");
  ASSERT_EQ(table.partitions.size(), 3u);
  EXPECT_EQ(table.partitions[1].kind, PartitionKind::kExtended);
  EXPECT_EQ(table.partitions[2].kind, PartitionKind::kLogical);
  EXPECT_EQ(table.partitions[2].number, 5u);
  ASSERT_EQ(table.free.size(), 5u);
  EXPECT_EQ(table.free[0].start, 1024u);
  EXPECT_EQ(table.free[0].end, 1048576u);
}

TEST(PartitionTable, RefusesWhatIsNone) {
  auto refused = [](const std::string& text) {
    ExpectError([&] { ReadPartitionTable(text); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
  };
  refused("");
  refused("Number  Start\n 1 2B 3B 4B\n");
  refused("Partition Table: gpt\nNumber  Start\n 1 2B\n");
  refused("Partition Table: gpt\nNumber  Start\n 1 20B 3B 4B\n");
}

// Primary ones as long as there are numbers, then in the extended one; in the smallest room, aligned where that fits.
TEST(PartitionTable, PlansPartitions) {
  PartitionTable table = ReadPartitionTable(kMsdos);
  PartitionPlan plan = PlanPartition(table, PartitionFormat::kLinux, 10 << 20);
  EXPECT_EQ(plan.number, 3u);
  EXPECT_EQ(plan.kind, PartitionKind::kPrimary);
  EXPECT_EQ(plan.start, 11534336u);
  EXPECT_EQ(plan.end - plan.start, 10u << 20);
  EXPECT_EQ(PartitionArguments(table, plan, PartitionFormat::kLinuxSwap),
            (std::vector<std::string>{"primary", "linux-swap", "11534336B", "22020095B"}));
  ExpectError([&] { PlanPartition(table, PartitionFormat::kExtended, 1 << 20); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
  ExpectError([&] { PlanPartition(table, PartitionFormat::kLinux, 1 << 30); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
  for (unsigned number : {3u, 4u}) table.partitions.push_back({number, PartitionKind::kPrimary, 0, 0});
  plan = PlanPartition(table, PartitionFormat::kNone, 20 << 20);
  EXPECT_EQ(plan.number, 6u);
  EXPECT_EQ(plan.kind, PartitionKind::kLogical);
  EXPECT_EQ(plan.start, 41943040u);
  std::erase_if(table.partitions, [](auto& p) { return p.kind != PartitionKind::kPrimary; });
  table.partitions.push_back({2, PartitionKind::kPrimary, 0, 0});
  ExpectError([&] { PlanPartition(table, PartitionFormat::kNone, 1 << 20); }, ErrorDomain::kStorage, ErrorCode::kInternalError);
}

// Other tables know no types, and as many partitions as fit.
TEST(PartitionTable, PlansForGpt) {
  PartitionTable table = ReadPartitionTable(
      "Partition Table: gpt\n\nNumber  Start   End         Size        File system  Name  Flags\n"
      "        17408B  209698303B  209680896B  Free Space\n");
  PartitionPlan plan = PlanPartition(table, PartitionFormat::kExtended, 1000);
  EXPECT_EQ(plan.number, 1u);
  EXPECT_EQ(plan.start, 1u << 20);
  EXPECT_EQ(PartitionArguments(table, plan, PartitionFormat::kExtended), (std::vector<std::string>{"primary", "1048576B", "1049599B"}));
  plan = PlanPartition(table, PartitionFormat::kNone, 209680896);
  EXPECT_EQ(plan.start, 17408u);
}

}  // namespace
}  // namespace bv::storage
