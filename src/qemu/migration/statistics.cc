#include "qemu/migration/statistics.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "qemu/job_params.h"

namespace bv::qemu {
namespace {

std::uint64_t Number(const xml::Node& node, const char* element) {
  auto text = node.ChildText(element).value_or("");
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::unique_ptr<CompletedJob> MigrationStatistics(const Json& answer, const Migration& migration, int operation) {
  auto job = std::make_unique<CompletedJob>();
  job->operation = operation;
  job->started_ms = migration.began_ms;
  job->stopped_ms = migration.stopped_ms;
  job->elapsed_ms = WallMs() - migration.began_ms;
  job->downtime_ms = answer["downtime"].AsUint().value_or(answer["expected-downtime"].AsUint().value_or(0));
  job->setup_ms = answer["setup-time"].AsUint();
  job->ram = answer["ram"];
  job->xbzrle = answer["xbzrle-cache"];
  job->throttle = answer["cpu-throttle-percentage"].AsUint().value_or(0);
  if (job->ram) job->disks = CompletedJob::Disks{};
  if (job->disks) {
    job->disks->total = migration.disk_total;
    job->disks->processed = std::min(migration.disk_processed, migration.disk_total);
  }
  return job;
}

void FormatStatistics(xml::Writer& out, const CompletedJob& job) {
  auto number = [&](const char* element, std::uint64_t value) { out.TextElement(element, std::to_string(value)); };
  out.Open("statistics");
  number("started", job.started_ms);
  number("stopped", job.stopped_ms);
  number("sent", WallMs());
  if (job.delta_ms) out.TextElement("delta", std::to_string(*job.delta_ms));
  number("time_elapsed", job.elapsed_ms);
  number("downtime", job.downtime_ms);
  if (job.setup_ms) number("setup_time", *job.setup_ms);
  for (auto& [field, key] : kMemoryFields) {
    bool rate = std::string_view(key) == "mbps";
    number(field, rate ? static_cast<std::uint64_t>(job.ram[key].AsDouble().value_or(0) * kBytesPerMegabit) : job.ram[key].AsUint().value_or(0));
  }
  auto disks = job.disks.value_or(CompletedJob::Disks());
  number("disk_total", disks.total);
  number("disk_processed", disks.processed);
  number("disk_remaining", disks.total - disks.processed);
  number("disk_bps", disks.bytes_per_second);
  if (job.xbzrle) {
    for (auto& [field, key] : kCompressionFields) number(field, job.xbzrle[key].AsUint().value_or(0));
  }
  number("auto_converge_throttle", job.throttle);
  out.Close("statistics");
}

std::unique_ptr<CompletedJob> ParseStatistics(const xml::Node& node) {
  auto job = std::make_unique<CompletedJob>();
  job->started_ms = Number(node, "started");
  job->stopped_ms = Number(node, "stopped");
  job->sent_ms = Number(node, "sent");
  if (auto delta = node.ChildText("delta")) {
    std::int64_t value = 0;
    std::from_chars(delta->data(), delta->data() + delta->size(), value);
    job->delta_ms = value;
  }
  job->elapsed_ms = Number(node, "time_elapsed");
  job->downtime_ms = Number(node, "downtime");
  if (node.Child("setup_time")) job->setup_ms = Number(node, "setup_time");
  job->ram = Json::Object();
  for (auto& [field, key] : kMemoryFields) {
    bool rate = std::string_view(key) == "mbps";
    job->ram.Set(key, rate ? Json(static_cast<double>(Number(node, field)) / kBytesPerMegabit) : Json(Number(node, field)));
  }
  job->disks = CompletedJob::Disks{};
  job->disks->total = Number(node, "disk_total");
  job->disks->processed = std::min(Number(node, "disk_processed"), job->disks->total);
  job->disks->bytes_per_second = Number(node, "disk_bps");
  if (node.Child("compression_cache")) {
    job->xbzrle = Json::Object();
    for (auto& [field, key] : kCompressionFields) job->xbzrle.Set(key, Number(node, field));
  }
  job->throttle = Number(node, "auto_converge_throttle");
  return job;
}

void CompleteStatistics(CompletedJob& job) {
  const std::uint64_t now = WallMs();
  if (job.started_ms && now > job.started_ms) job.elapsed_ms = now - job.started_ms;
  if (job.stopped_ms && now > job.stopped_ms) job.downtime_ms = now - job.stopped_ms;
}

}  // namespace bv::qemu
