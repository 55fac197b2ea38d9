// The part of QemuDriver that goes from one process image to the next: what status files do not have.
//
// In the state (upgrade/state.h):
//   "qemu": { "nextId", "nextCallback", "lock": FD,
//             "guests": [ { "uuid", "monitor": CONNECTION, "process": FD (of the process), "pauseReason", "runReason",
//                           "lastCommand" } ],
//             "domains": [ { "uuid", "state", "reason",
//                            "job": { "operation", "type", "elapsed", "downtime", "ram", "success", "setup", "delta", "disks" } } ] }
// and of each client:
//   "qemu": { "events": [ { "event", "id" (-1: of the old interface), "domain": UUID } ],
//             "monitorEvents": [ { "id", "domain": UUID, "event", "flags" } ],
//             "autodestroy": [ UUID ] }
// The connection to a guest's monitor goes on, so what QEMU reports meanwhile waits in the socket.

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "qemu/autodestroy.h"
#include "qemu/driver.h"
#include "qemu/guest.h"
#include "qemu/taken_over.h"
#include "upgrade/fds.h"
#include "upgrade/state.h"

namespace bv::qemu {

namespace {

constexpr char kMember[] = "qemu";

Json FormatJob(const CompletedJob& job) {
  Json json = Json::Object({{"operation", job.operation},
                            {"type", job.type},
                            {"elapsed", job.elapsed_ms},
                            {"downtime", job.downtime_ms}});
  if (job.ram) json.Set("ram", job.ram);
  if (job.success) json.Set("success", *job.success);
  if (job.setup_ms) json.Set("setup", *job.setup_ms);
  if (job.delta_ms) json.Set("delta", *job.delta_ms);
  if (job.disks) json.Set("disks", Json::Array({job.disks->total, job.disks->processed}));
  return json;
}

std::unique_ptr<CompletedJob> ParseJob(const Json& json) {
  if (!json) return nullptr;
  auto job = std::make_unique<CompletedJob>();
  job->operation = static_cast<int>(json.Find("operation").AsInt().value_or(0));
  job->type = static_cast<int>(json.Find("type").AsInt().value_or(3));
  job->elapsed_ms = json.Find("elapsed").AsUint().value_or(0);
  job->downtime_ms = json.Find("downtime").AsUint().value_or(0);
  job->ram = json.Find("ram");
  job->success = json.Find("success").AsBool();
  job->setup_ms = json.Find("setup").AsUint();
  job->delta_ms = json.Find("delta").AsInt();
  if (Json disks = json.Find("disks"); disks.size() == 2)
    job->disks = CompletedJob::Disks{.total = disks.at(0).AsUint().value_or(0), .processed = disks.at(1).AsUint().value_or(0)};
  return job;
}

Json FormatGuest(const Domain& domain, const Guest& guest, upgrade::PassedFds& fds) {
  Json json = Json::Object({{"uuid", domain.uuid().ToString()},
                            {"process", fds.Pass(guest.child.pidfd())},
                            {"pauseReason", guest.pause_reason},
                            {"runReason", guest.run_reason}});
  if (auto monitor = guest.monitor ? guest.monitor->Save() : std::nullopt) {
    fds.Pass(monitor->connection.socket);
    json.Set("monitor", upgrade::FormatConnection(monitor->connection));
    json.Set("lastCommand", monitor->last_id);
  }
  return json;
}

std::optional<Uuid> UuidIn(const Json& json, const char* key) { return Uuid::Parse(json.Find(key).AsString().value_or("")); }

// Numbers and UUIDs; what they mean is looked at when they are used.
void CheckMember(const Json& ours) {
  for (const char* list : {"guests", "domains"}) {
    for (const Json& entry : ours.Find(list).elements()) {
      if (UuidIn(entry, "uuid")) continue;
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "cannot take over the state: a domain has no UUID");
    }
  }
  for (const Json& guest : ours.Find("guests").elements()) {
    if (Json monitor = guest.Find("monitor")) upgrade::ParseConnection(monitor);
  }
}

}  // namespace

bool QemuDriver::Quiet() const {
  bool quiet = true;
  domains_.ForEach([&](const DomainPtr& domain) {
    const Guest* guest = domain->guest.get();
    if (domain->jobs.active() != Job::kNone || domain->jobs.async() != AsyncJob::kNone) quiet = false;
    if (guest && !guest->block_jobs.empty()) quiet = false;
    if (guest && (guest->status_dirty || guest->status_writing || guest->starting || guest->ended)) quiet = false;
    if (guest && guest->monitor && guest->monitor->open() && !guest->monitor->Save()) quiet = false;
  });
  return quiet;
}

void QemuDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json guests = Json::Array(), domains = Json::Array();
  domains_.ForEach([&](const DomainPtr& domain) {
    if (domain->guest) guests.Append(FormatGuest(*domain, *domain->guest, fds));
    if (domain->active() && !domain->completed_job) return;
    Json entry = Json::Object({{"uuid", domain->uuid().ToString()},
                               {"state", static_cast<int>(domain->state())},
                               {"reason", domain->reason()}});
    if (domain->completed_job) entry.Set("job", FormatJob(*domain->completed_job));
    domains.Append(entry);
  });
  Json ours = Json::Object({{"nextId", guests_->next_id()},
                            {"nextCallback", events_.next_callback()},
                            {"guests", guests},
                            {"domains", domains}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void QemuDriver::CheckState(const Json& state) const {
  if (config_error_) std::rethrow_exception(config_error_);
  CheckMember(state.Find(kMember));
}

void QemuDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (!ours) return;
  CheckMember(ours);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  guests_->set_next_id(static_cast<int>(ours.Find("nextId").AsInt().value_or(1)));
  events_.set_next_callback(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
  for (const Json& entry : ours.Find("guests").elements()) {
    try {
      TakenOver taken;
      taken.process = fds.Take(entry.Find("process"));
      taken.pause_reason = static_cast<int>(entry.Find("pauseReason").AsInt().value_or(paused::kUnknown));
      taken.run_reason = static_cast<int>(entry.Find("runReason").AsInt().value_or(running::kUnpaused));
      if (Json monitor = entry.Find("monitor")) {
        auto connection = upgrade::ParseConnection(monitor);
        taken.monitor_input = std::move(connection.input);
        taken.last_command = entry.Find("lastCommand").AsUint().value_or(0);
        taken.monitor = fds.Take(connection.socket);
      }
      guests_->TakeOver(*UuidIn(entry, "uuid"), std::move(taken));
    } catch (const Error& error) {
      LogError("qemu.qemu_driver", "a guest is looked for anew: {}", error.what());
    }
  }
  saved_domains_ = ours.Find("domains");
}

// After the definitions have been read.
void QemuDriver::RestoreDomains() {
  for (const Json& entry : std::exchange(saved_domains_, {}).elements()) {
    auto domain = domains_.FindUuid(*UuidIn(entry, "uuid"));
    if (!domain) continue;
    int state = static_cast<int>(entry.Find("state").AsInt().value_or(0));
    int reason = static_cast<int>(entry.Find("reason").AsInt().value_or(0));
    bool at_rest = state == static_cast<int>(State::kShutoff) || state == static_cast<int>(State::kCrashed);
    if (at_rest && !domain->active()) domain->SetState(static_cast<State>(state), reason);
    domain->completed_job = ParseJob(entry.Find("job"));
  }
}

void QemuDriver::SaveClient(rpc::ClientSession& client, Json& state, upgrade::PassedFds&) const {
  Json ours = events_.Save(client);
  Json uuids = Json::Array();
  for (const DomainPtr& domain : AutodestroyedBy(client)) uuids.Append(domain->uuid().ToString());
  if (uuids.size() > 0) ours.Set("autodestroy", uuids);
  if (ours.size() > 0) state.Set(kMember, ours);
}

void QemuDriver::RestoreClient(rpc::ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  Json ours = state.Find(kMember);
  events_.Restore(client, ours);
  // The domains are known once Start() has found them.
  for (const Json& text : ours.Find("autodestroy").elements()) {
    if (auto uuid = Uuid::Parse(text.AsString().value_or(""))) restored_autodestroy_.emplace_back(client.weak_from_this(), *uuid);
  }
}

void QemuDriver::RestoreAutodestroy() {
  for (auto& [client, uuid] : std::exchange(restored_autodestroy_, {})) {
    auto domain = domains_.FindUuid(uuid);
    auto session = client.lock();
    if (domain && session) Autodestroy(*session, guests_.get(), domain);
  }
}

}  // namespace bv::qemu
