#include "qemu/stats/guest_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "qemu/guest.h"
#include "qemu/monitor.h"

namespace bv::qemu {

namespace {

constexpr std::chrono::seconds kAnswerLimit{10};

Json Object(const char* key, Json value) {
  Json object = Json::Object();
  object.Set(key, std::move(value));
  return object;
}

MonitorCommand QueryStats(const char* target, const Guest& guest) {
  Json provider = Object("provider", "kvm");
  Json providers = Json::Array();
  providers.Append(provider);
  Json arguments = Object("target", target);
  if (std::string_view(target) == "vcpu") {
    Json paths = Json::Array();
    for (const Guest::Vcpu& vcpu : guest.vcpus) paths.Append(vcpu.qom_path);
    arguments.Set("vcpus", paths);
  }
  arguments.Set("providers", providers);
  return {.name = "query-stats", .arguments = arguments};
}

// The questions, and where each answer goes.
struct Questions {
  std::vector<MonitorCommand> commands;
  std::vector<Json*> places;
  void Add(MonitorCommand command, Json* place) {
    commands.push_back(std::move(command));
    places.push_back(place);
  }
};

Questions QuestionsFor(const Domain& domain, const Guest& guest, unsigned groups, GuestReport& report) {
  Questions questions;
  const bool query_stats = guest.caps && guest.caps->Has(QemuCap::kQueryStats);
  const auto& balloon = domain.def().memballoon;
  if ((groups & kStatsBalloon) && balloon && !balloon->info.alias.empty()) {
    Json arguments = Object("path", "/machine/peripheral/" + balloon->info.alias);
    arguments.Set("property", "guest-stats");
    questions.Add({.name = "qom-get", .arguments = arguments}, &report.balloon);
  }
  if (groups & kStatsBlock) {
    questions.Add({.name = "query-blockstats"}, &report.block_stats);
    questions.Add({.name = "query-named-block-nodes", .arguments = Object("flat", true)}, &report.block_nodes);
  }
  if (query_stats && (groups & (kStatsCpu | kStatsVcpu)) && !guest.vcpus.empty()) {
    questions.Add(QueryStats("vcpu", guest), &report.vcpu_stats);
  }
  if (query_stats && (groups & kStatsVm)) questions.Add(QueryStats("vm", guest), &report.vm_stats);
  if (query_stats && (groups & (kStatsVcpu | kStatsVm))) questions.Add({.name = "query-stats-schemas"}, &report.stats_schemas);
  if ((groups & kStatsDirtyRate) && guest.caps && guest.caps->Has(QemuCap::kQueryDirtyRate)) {
    questions.Add({.name = "query-dirty-rate"}, &report.dirty_rate);
  }
  if ((groups & kStatsIothread) && !domain.def().iothreads.ids.empty()) {
    questions.Add({.name = "query-iothreads"}, &report.iothreads);
  }
  return questions;
}

}  // namespace

Task<GuestReport> AskGuest(std::shared_ptr<Domain> domain, unsigned groups) {
  GuestReport report;
  Guest* guest = domain->guest.get();
  if (!domain->active() || !guest || !guest->monitor || !guest->monitor->open()) co_return report;
  Questions questions = QuestionsFor(*domain, *guest, groups, report);
  if (questions.commands.empty()) co_return report;
  const Deadline deadline = In(kAnswerLimit);
  try {
    MonitorBatch batch = guest->monitor->Send(questions.commands);
    for (Json* place : questions.places) {
      MonitorReply reply = co_await batch.Next(deadline);
      *place = reply.value;
    }
  } catch (const Error& e) {
    LogDebug("qemu.qemu_driver", "{}: {}", domain->name(), e.what());
  }
  co_return report;
}

Json BlockStatsOf(const GuestReport& report, std::string_view alias) {
  constexpr std::string_view kDevices = "/machine/peripheral/";
  for (std::size_t i = 0; i < report.block_stats.size(); ++i) {
    Json entry = report.block_stats.at(i);
    std::string device = entry.Find("device").AsString().value_or("");
    if (device.empty()) {
      device = entry.Find("qdev").AsString().value_or("");
      if (device.starts_with(kDevices)) device.erase(0, kDevices.size());
      device.resize(std::min(device.size(), device.find('/')));
    }
    if (device == alias) return entry;
  }
  return {};
}

}  // namespace bv::qemu
