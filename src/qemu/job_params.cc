#include "qemu/job_params.h"

#include <algorithm>
#include <string_view>

namespace bv::qemu {

std::vector<TypedParam> JobParams(const CompletedJob& job) {
  std::vector<TypedParam> params;
  auto add = [&](const char* field, TypedParamValue value) { params.push_back({field, std::move(value)}); };
  add("operation", job.operation);
  auto net = [&](std::uint64_t time) { return static_cast<std::uint64_t>(std::max<std::int64_t>(static_cast<std::int64_t>(time) - *job.delta_ms, 0)); };
  add("time_elapsed", job.elapsed_ms);
  if (job.delta_ms) add("time_elapsed_net", net(job.elapsed_ms));
  if (job.downtime_ms) add("downtime", job.downtime_ms);
  if (job.downtime_ms && job.delta_ms) add("downtime_net", net(job.downtime_ms));
  if (job.setup_ms) add("setup_time", *job.setup_ms);
  if (job.ram) {
    auto number = [&](const char* key) { return job.ram[key].AsUint().value_or(0); };
    const auto disks = job.disks.value_or(CompletedJob::Disks());
    add("data_total", number("total") + disks.total);
    add("data_processed", number("transferred") + disks.processed);
    add("data_remaining", number("remaining") + disks.total - disks.processed);
    for (auto& [field, key] : kMemoryFields) {
      if (std::string_view(key) != "mbps") {
        add(field, number(key));
      } else if (auto rate = job.ram[key].AsDouble().value_or(0); rate > 0) {
        add(field, static_cast<std::uint64_t>(rate * kBytesPerMegabit));
      }
    }
  }
  if (job.disks) {
    add("disk_total", job.disks->total);
    add("disk_processed", job.disks->processed);
    add("disk_remaining", job.disks->total - job.disks->processed);
    if (job.disks->bytes_per_second) add("disk_bps", job.disks->bytes_per_second);
  }
  if (job.xbzrle) {
    for (auto& [field, key] : kCompressionFields) add(field, job.xbzrle[key].AsUint().value_or(0));
  }
  if (job.throttle) add("auto_converge_throttle", static_cast<std::int32_t>(job.throttle));
  if (job.success) add("success", *job.success);
  return params;
}

}  // namespace bv::qemu
