#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/task.h"
#include "qemu/domain_list.h"

namespace bv::qemu {

// Groups of statistics, as virDomainStatsTypes numbers them.
enum StatsGroup : unsigned {
  kStatsState = 1 << 0,
  kStatsCpu = 1 << 1,
  kStatsBalloon = 1 << 2,
  kStatsVcpu = 1 << 3,
  kStatsInterface = 1 << 4,
  kStatsBlock = 1 << 5,
  kStatsPerf = 1 << 6,
  kStatsIothread = 1 << 7,
  kStatsMemory = 1 << 8,
  kStatsDirtyRate = 1 << 9,
  kStatsVm = 1 << 10,
  kStatsAll = (1 << 11) - 1,
};

// What a running QEMU answered to the questions behind some groups; null where it was not asked or
// did not answer.
struct GuestReport {
  Json balloon;       // guest-stats of the balloon
  Json block_stats;   // query-blockstats
  Json block_nodes;   // query-named-block-nodes
  Json vcpu_stats, vm_stats, stats_schemas;  // query-stats, query-stats-schemas
  Json dirty_rate;
  Json iothreads;
};

// Asks everything at once, one round trip for a guest. Nothing is thrown for a guest that ends meanwhile.
Task<GuestReport> AskGuest(std::shared_ptr<Domain> domain, unsigned groups);

// The statistics of a disk by the alias of its device, "virtio-disk0"; null when there are none.
Json BlockStatsOf(const GuestReport& report, std::string_view alias);

}  // namespace bv::qemu
