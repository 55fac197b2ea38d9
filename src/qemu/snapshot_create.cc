// Taking snapshots, and defining such as were taken before.

#include <fmt/core.h>

#include <unistd.h>

#include <ctime>

#include "base/error.h"
#include "base/log.h"
#include "base/schema.h"
#include "base/verbatim_error.h"
#include "qemu/abi.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"
#include "qemu/qemu_img.h"
#include "qemu/snapshot_calls.h"
#include "qemu/snapshot_rules.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using model::SnapshotState;

using namespace snapshot_create;

struct FlagRule {
  unsigned one, other;
  bool requires_other;  // or else excludes it
  ErrorDomain domain;
  const char* one_name;
  const char* other_name;
};
constexpr FlagRule kFlagRules[] = {
    {kCurrent, kRedefine, true, ErrorDomain::kDomainSnapshot, "CURRENT", "REDEFINE"},
    {kRedefine, kNoMetadata, false, ErrorDomain::kDomainSnapshot, "REDEFINE", "NO_METADATA"},
    {kRedefine, kHalt, false, ErrorDomain::kDomainSnapshot, "REDEFINE", "HALT"},
    {kQuiesce, kDiskOnly, true, ErrorDomain::kQemu, "QUIESCE", "DISK_ONLY"},
    {kLive, kRedefine, false, ErrorDomain::kQemu, "LIVE", "REDEFINE"},
};

void CheckCombinations(unsigned flags) {
  constexpr const char* kPrefix = "VIR_DOMAIN_SNAPSHOT_CREATE_";
  for (auto& rule : kFlagRules) {
    if (!(flags & rule.one)) continue;
    if (rule.requires_other && !(flags & rule.other))
      throw VerbatimError(rule.domain, ErrorCode::kInvalidArg,
                          fmt::format("Flag '{0}{1}' is required by flag '{0}{2}'", kPrefix, rule.other_name, rule.one_name));
    if (!rule.requires_other && (flags & rule.other))
      throw VerbatimError(rule.domain, ErrorCode::kInvalidArg,
                          fmt::format("Flags '{0}{1}' and '{0}{2}' are mutually exclusive", kPrefix, rule.one_name, rule.other_name));
  }
}

// Not every state of a guest can be kept.
void CheckState(SnapshotState state) {
  if (state == SnapshotState::kPmsuspended)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "qemu doesn't support taking snapshots of PMSUSPENDED guests");
  if (state == SnapshotState::kBlocked || state == SnapshotState::kNoState)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("Invalid domain state {}", ToString(state)));
}

SnapshotState StateOf(const Domain& domain) {
  switch (domain.state()) {
    case State::kRunning: return SnapshotState::kRunning;
    case State::kBlocked: return SnapshotState::kBlocked;
    case State::kPaused: return SnapshotState::kPaused;
    case State::kShutdown: return SnapshotState::kShutdown;
    case State::kShutoff: return SnapshotState::kShutoff;
    case State::kCrashed: return SnapshotState::kCrashed;
    case State::kPmSuspended: return SnapshotState::kPmsuspended;
    default: return SnapshotState::kNoState;
  }
}

// What the new snapshot is of, as the domain is now.
void Fill(model::Snapshot& snapshot, const Domain& domain, bool disk_only) {
  snapshot.creation_time = std::time(nullptr);
  if (snapshot.name.empty()) snapshot.name = std::to_string(snapshot.creation_time);
  snapshot.domain = CopyDefinition(domain.def());
  if (domain.active() && domain.config()) snapshot.inactive_domain = CopyDefinition(*domain.config());
  SnapshotAlignment alignment{.location = SnapshotLocation::kExternal, .uniform = false};
  if (disk_only) {
    snapshot.state = domain.active() ? SnapshotState::kDiskSnapshot : SnapshotState::kShutoff;
    snapshot.memory = SnapshotLocation::kNo;
  } else {
    snapshot.state = StateOf(domain);
    // What is redefined may mix; what is taken is all in images, or none of it.
    bool whole = snapshot.memory != SnapshotLocation::kExternal;
    if (whole && domain.active() && snapshot.memory == SnapshotLocation::kNo)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "internal snapshot of a running VM must include the memory state");
    if (whole) alignment = {};
    if (whole) snapshot.memory = domain.active() ? SnapshotLocation::kInternal : SnapshotLocation::kNo;
  }
  AlignSnapshotDisks(snapshot, *snapshot.domain, alignment);
}

}  // namespace

Task<std::string> SnapshotCalls::Redefine(DomainPtr domain, std::unique_ptr<model::Snapshot> snapshot, unsigned flags) {
  if (snapshot->domain) co_await Complete(*snapshot->domain);
  if (snapshot->inactive_domain) co_await Complete(*snapshot->inactive_domain);
  CheckMomentName(snapshot->name, "snapshot");
  CheckState(snapshot->state);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSnapshotCreateXML");
  auto& tree = MomentStore::Of(domain).snapshots;
  PrepareRedefinition(tree, *snapshot, domain->uuid(), flags & kDiskOnly);
  auto name = snapshot->name;
  tree.Add(std::move(snapshot));
  if (flags & kCurrent) co_await driver_->moments_->MakeSnapshotCurrent(domain, name);
  else co_await driver_->moments_->StoreSnapshot(domain, name);
  co_return name;
}

Task<remote::DomainSnapshotCreateXmlRet> SnapshotCalls::DomainSnapshotCreateXml(Call&, remote::DomainSnapshotCreateXmlArgs args) {
  CheckFlags(args.flags, 0x3ff, "qemuSnapshotCreateXML");
  CheckCombinations(args.flags);
  auto domain = co_await Find(args.dom);
  unsigned parse = 0;
  if (args.flags & kRedefine) parse |= model::kMomentRedefine;
  if (co_await xml::StillToValidate(args.flags & kValidate, args.xml_desc, "domainsnapshot", "domainsnapshot")) parse |= model::kMomentValidate;
  if ((args.flags & kDiskOnly) || !domain->active()) parse |= model::kMomentOffline;
  auto snapshot = std::make_unique<model::Snapshot>(model::ParseSnapshot(args.xml_desc, parse));
  std::string name;
  if (args.flags & kRedefine) name = co_await Redefine(domain, std::move(snapshot), args.flags);
  else name = co_await Create(domain, std::move(snapshot), args.flags);
  co_return remote::DomainSnapshotCreateXmlRet{{name, domain->Ref()}};
}

Task<std::string> SnapshotCalls::Create(DomainPtr domain, std::unique_ptr<model::Snapshot> snapshot, unsigned flags) {
  constexpr int kOperationSnapshot = 6;
  if (!domain->active() && domain->moments && !domain->moments->checkpoints.empty())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "cannot perform block operations while checkpoint exists");
  if ((flags & kHalt) && !domain->persistent)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "cannot halt after transient domain snapshot");
  if (!(flags & kNoMetadata)) CheckMomentName(snapshot->name, "snapshot");
  if ((flags & kLive) && (!domain->active() || snapshot->memory != SnapshotLocation::kExternal))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "live snapshot creation is supported only during full system snapshots");
  CheckState(StateOf(*domain));
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kSnapshot, kOperationSnapshot, "remoteDispatchDomainSnapshotCreateXML");
  if (domain->removed) co_await Find(domain->Ref());
  auto& tree = MomentStore::Of(domain).snapshots;
  Fill(*snapshot, *domain, flags & kDiskOnly);
  CheckTakeable(*snapshot, *domain, flags & kReuse);
  if (tree.Find(snapshot->name))
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed, fmt::format("domain moment {} already exists", snapshot->name));
  if (auto* current = tree.current()) snapshot->parent = current->name;
  bool external = (flags & kDiskOnly) || snapshot->memory == SnapshotLocation::kExternal;
  if (!domain->active()) {
    if (snapshot->IsExternal()) co_await TakeInactiveExternal(domain, *snapshot, flags & kReuse);
    else co_await TakeInactiveInternal(domain, *snapshot);
  } else if (external) {
    co_await TakeActiveExternal(domain, *snapshot, flags);
  } else {
    co_await TakeActiveInternal(domain, *snapshot, flags & kHalt);
  }
  auto name = snapshot->name;
  if (flags & kNoMetadata) co_return name;
  tree.Add(std::move(snapshot));
  co_await driver_->moments_->MakeSnapshotCurrent(domain, name);
  co_return name;
}

// --- of a guest that does not run ------------------------------------------------------------------------

Task<> SnapshotCalls::TakeInactiveInternal(DomainPtr domain, const model::Snapshot& snapshot) {
  std::vector<std::string> done;
  std::exception_ptr failure;
  try {
    for (auto& image : InternalImages(snapshot, domain->def())) {
      std::vector<std::string> arguments{"snapshot", "-c", snapshot.name, image};
      co_await QemuImg(arguments);
      done.push_back(image);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  for (auto& image : done) {
    try {
      std::vector<std::string> arguments{"snapshot", "-d", snapshot.name, image};
      co_await QemuImg(arguments);
    } catch (const Error& error) {
      LogWarn("qemu.qemu_snapshot", "a snapshot that came to nothing is left: {}", error.message);
    }
  }
  std::rethrow_exception(failure);
}

Task<> SnapshotCalls::TakeInactiveExternal(DomainPtr domain, const model::Snapshot& snapshot, bool reuse) {
  auto changed = CopyDefinition(*domain->config());
  std::vector<std::string> made;
  std::exception_ptr failure;
  try {
    for (std::size_t i = 0; i < snapshot.disks.size(); ++i) {
      auto& wanted = snapshot.disks[i];
      if (wanted.location != SnapshotLocation::kExternal) continue;
      auto& source = changed->disks[i]->source;
      auto below = source.format == model::StorageFormat::kNone ? model::StorageFormat::kRaw : source.format;
      if (!reuse) {
        std::vector<std::string> arguments{"create", "-f", std::string(ToString(wanted.source.format)), "-F", std::string(ToString(below)),
                                           "-b", source.path, wanted.source.path};
        made.push_back(wanted.source.path);
        co_await QemuImg(arguments);
      }
      source = model::StorageSource{};
      source.type = wanted.source.type;
      source.format = wanted.source.format;
      source.path = wanted.source.path;
      source.metadata_cache_max = wanted.source.metadata_cache_max;
    }
    domain->SetConfig(std::move(changed));
    co_await driver_->SaveConfig(domain);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  for (auto& path : made) unlink(path.c_str());
  std::rethrow_exception(failure);
}

// --- of one that runs ------------------------------------------------------------------------------------

Task<> SnapshotCalls::TakeActiveInternal(DomainPtr domain, const model::Snapshot& snapshot, bool halt) {
  auto* guest = domain->guest.get();
  auto& guests = *driver_->guests_;
  bool resume = domain->state() == State::kRunning;
  // QEMU would stop it by itself; this way the state says so.
  if (resume) co_await guests.Pause(domain, paused::kSnapshot);
  std::exception_ptr failure;
  try {
    auto line = "savevm " + HumanQuoted(snapshot.name);
    auto said = co_await guests.MonitorOf(domain).ExecuteHuman(line);
    if (!said.empty()) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, fmt::format("Failed to take snapshot: {}", said));
  } catch (...) {
    failure = std::current_exception();
  }
  if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
  if (halt && !failure) {
    co_await guests.Stop(domain, shutoff::kFromSnapshot, stopped::kFromSnapshot);
    co_return;
  }
  if (resume && domain->state() == State::kPaused) co_await guests.Resume(domain, running::kUnpaused);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace bv::qemu
