#pragma once

#include <vector>

#include "qemu/guest.h"
#include "rpc/typed_param.h"

namespace bv::qemu {

// What jobs say of memory and of the XBZRLE cache, and QEMU's names of that.
struct JobField {
  const char* field;
  const char* key;
};
inline constexpr JobField kMemoryFields[] = {
    {"memory_total", "total"},
    {"memory_processed", "transferred"},
    {"memory_remaining", "remaining"},
    {"memory_bps", "mbps"},  // which is another unit
    {"memory_constant", "duplicate"},
    {"memory_normal", "normal"},
    {"memory_normal_bytes", "normal-bytes"},
    {"memory_dirty_rate", "dirty-pages-rate"},
    {"memory_iteration", "dirty-sync-count"},
    {"memory_postcopy_requests", "postcopy-requests"},
    {"memory_page_size", "page-size"},
};
inline constexpr JobField kCompressionFields[] = {
    {"compression_cache", "cache-size"},          {"compression_bytes", "bytes"},       {"compression_pages", "pages"},
    {"compression_cache_misses", "cache-miss"}, {"compression_overflow", "overflow"},
};
// QEMU says megabits a second.
inline constexpr double kBytesPerMegabit = 1000 * 1000 / 8;

// A finished long job as the typed parameters of DOMAIN_GET_JOB_STATS and the job-completed event
// (VIR_DOMAIN_JOB_*).
std::vector<TypedParam> JobParams(const CompletedJob& job);

}  // namespace bv::qemu
