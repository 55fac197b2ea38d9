#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/uuid.h"
#include "model/domain/domain.h"
#include "protocol/remote/types.h"
#include "qemu/domain_state.h"
#include "qemu/job.h"

namespace bv::qemu {

class Guest;
struct Migration;
struct Moments;

// One domain: its definitions, its state, and the running guest when there is one. Owned by
// DomainList; handlers keep a shared_ptr over their waits, and look again afterwards whether it is
// still what they need (active(), removed).
class Domain {
 public:
  Domain(std::string name, Uuid uuid);
  ~Domain();
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  const std::string& name() const { return name_; }
  const Uuid& uuid() const { return uuid_; }
  // -1 while inactive.
  int id() const { return id_; }
  bool active() const { return id_ >= 0; }
  remote::NonnullDomain Ref() const { return {name_, uuid_, id_}; }

  State state() const { return state_; }
  int reason() const { return reason_; }
  void SetState(State state, int reason) {
    state_ = state;
    reason_ = reason;
  }

  bool persistent = false;
  bool autostart = false;
  bool updated = false;    // the definition changed since it was read from disk
  bool removed = false;    // no longer in the list
  std::size_t on_disk = 0; // hash of what we last read from the definition's file or wrote to it
  bool has_managed_save = false;
  std::optional<std::uint64_t> migration_speed;  // MiB/s; none: no limit
  int agent_timeout = -2;  // seconds, or virDomainAgentSetResponseTimeout's special values; -2 waits for ever

  // The definition the guest runs with, or would be started with. Throws kInternalError when the
  // text on disk has not been parsed yet: see DomainParser.
  const model::DomainDef& def() const;
  // What stays after the guest ends; null for a transient one. The same as def() while inactive.
  const model::DomainDef* config() const;
  // The same for changing; drops the cached XML.
  model::DomainDef& MutableDef();
  model::DomainDef* MutableConfig();
  // A definition was changed through a reference kept from before.
  void DefChanged() { xml_.fill({}); }

  // Replaces the persistent definition (of an active domain: that of its next start).
  void SetConfig(std::unique_ptr<model::DomainDef> config);
  std::unique_ptr<model::DomainDef> TakeConfig();
  // From now on active with `live`, as `id`.
  void SetLive(std::unique_ptr<model::DomainDef> live, int id);
  // Back to inactive; def() is the persistent definition again, and the live one is handed out.
  std::unique_ptr<model::DomainDef> ClearLive();

  // A definition that was read but not parsed.
  void SetUnparsed(std::string text) { unparsed_ = std::move(text); }
  const std::string& unparsed() const { return unparsed_; }
  bool parsed() const { return unparsed_.empty(); }

  // XML as FormatDomain makes it, kept until the definition changes.
  const std::string& Xml(unsigned format_flags);

  JobQueue jobs;
  std::unique_ptr<Guest> guest;  // while active
  // Parameters of the last long job that ended, until the next begins.
  std::unique_ptr<struct CompletedJob> completed_job;
  // Snapshots and checkpoints.
  std::unique_ptr<Moments> moments;
  // One that is under way, in or out. Holds the job.
  std::shared_ptr<Migration> migration;

 private:
  friend class DomainList;
  std::string name_;
  Uuid uuid_;
  int id_ = -1;
  State state_ = State::kShutoff;
  int reason_ = shutoff::kUnknown;
  std::unique_ptr<model::DomainDef> config_, live_;
  std::string unparsed_;
  // By kFormatInactive | kFormatSecure | kFormatMigratable.
  std::array<std::string, 8> xml_;
};

}  // namespace bv::qemu
