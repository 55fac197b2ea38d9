#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/task.h"
#include "qemu/migration/cookie.h"
#include "qemu/migration/options.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

class QemuDriver;
using DomainPtr = std::shared_ptr<Domain>;

// The side that a guest comes to. Until Finish() it is there and stands still, and ends with the client.
class MigrationDestination {
 public:
  explicit MigrationDestination(QemuDriver* driver) : driver_(driver) {}

  struct Prepared {
    std::string cookie;
    std::optional<std::string> uri;  // where the source is to send to, when the client has not said it
  };
  // Starts a QEMU that waits for a guest. `carrier`, if given, is where it reads from instead of listening.
  Task<Prepared> Prepare(MigrationOptions options, std::string cookie, std::weak_ptr<rpc::ClientSession> client,
                         std::shared_ptr<Fd> carrier, const char* api);

  struct Finished {
    DomainPtr domain;
    std::string cookie;
  };
  // The guest has all been sent, and runs here from now on; or `cancelled`, and all is as before Prepare(): then it
  // throws kMigrateFinishOk.
  Task<Finished> Finish(std::string name, MigrationOptions options, std::string cookie, bool cancelled,
                        std::weak_ptr<rpc::ClientSession> client);

  // A daemon that ended between the two.
  Task<> Recover(DomainPtr domain);

 private:
  Task<> StartIncoming(DomainPtr domain, MigrationPtr migration, MigrationOptions options, std::unique_ptr<model::DomainDef> live,
                       const MigrationCookie* theirs, Prepared* prepared, std::shared_ptr<Fd> carrier);
  Task<std::string> ListenUri(MigrationPtr migration, MigrationOptions options, Prepared* prepared);
  Task<> CheckCpu(DomainPtr domain);
  Task<> AwaitReceived(DomainPtr domain);
  Task<> Persist(DomainPtr domain, MigrationPtr migration, MigrationCookie* theirs);
  void Undo(const DomainPtr& domain, const MigrationPtr& migration);
  Task<> StopGuest(DomainPtr domain, MigrationPtr migration);
  std::string ListenAddress(const MigrationOptions& options) const;

  QemuDriver* driver_;
};

}  // namespace bv::qemu
