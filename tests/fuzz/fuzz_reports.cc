// What programs print: any bytes are refused with an Error or read; a partition that is planned lies in free room.
#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "storage/iscsi_report.h"
#include "storage/logical_report.h"
#include "storage/partition_table.h"

using namespace bv::storage;

namespace {

template <typename Read>
void Try(Read read) {
  try {
    read();
  } catch (const bv::Error&) {
  }
}

void PlanOne(const PartitionTable& table) {
  auto plan = PlanPartition(table, bv::model::PartitionFormat::kNone, 1 << 20);
  auto holds = [&](auto& room) { return room.start <= plan.start && plan.start < plan.end && plan.end <= room.end; };
  if (std::ranges::none_of(table.free, holds)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Try([&] { ReadLogicalVolumes(text); });
  Try([&] { ReadGroupSizes(text); });
  Try([&] { ReadPhysicalVolumes(text); });
  Try([&] { PlanOne(ReadPartitionTable(text)); });
  FindSession(text, "iqn.a");
  FindInterface(text, "iqn.a");
  ReadTargets(text);
  return 0;
}
