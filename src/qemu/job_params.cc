#include "qemu/job_params.h"

namespace bv::qemu {

std::vector<TypedParam> JobParams(const CompletedJob& job) {
  std::vector<TypedParam> params;
  auto add = [&](const char* field, TypedParamValue value) { params.push_back({field, std::move(value)}); };
  add("operation", job.operation);
  add("time_elapsed", job.elapsed_ms);
  if (job.downtime_ms) add("downtime", job.downtime_ms);
  if (job.setup_ms) add("setup_time", *job.setup_ms);
  if (job.ram) {
    auto number = [&](const char* key) { return job.ram[key].AsUint().value_or(0); };
    add("data_total", number("total"));
    add("data_processed", number("transferred"));
    add("data_remaining", number("remaining"));
    add("memory_total", number("total"));
    add("memory_processed", number("transferred"));
    add("memory_remaining", number("remaining"));
    // QEMU says megabits a second.
    constexpr double kBytesPerMegabit = 1000 * 1000 / 8;
    if (auto rate = job.ram["mbps"].AsDouble().value_or(0); rate > 0)
      add("memory_bps", static_cast<std::uint64_t>(rate * kBytesPerMegabit));
    add("memory_constant", number("duplicate"));
    add("memory_normal", number("normal"));
    add("memory_normal_bytes", number("normal-bytes"));
    add("memory_dirty_rate", number("dirty-pages-rate"));
    add("memory_iteration", number("dirty-sync-count"));
    add("memory_postcopy_requests", number("postcopy-requests"));
    add("memory_page_size", number("page-size"));
  }
  if (job.success) add("success", *job.success);
  return params;
}

}  // namespace bv::qemu
