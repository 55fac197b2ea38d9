#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/task.h"
#include "qemu/migration/cookie.h"
#include "qemu/migration/options.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

class QemuDriver;
using DomainPtr = std::shared_ptr<Domain>;

// The side that a guest leaves. The guest runs on here until the destination has it, and runs on here when that
// goes wrong, whoever ends in the middle of it.
class MigrationSource {
 public:
  explicit MigrationSource(QemuDriver* driver) : driver_(driver) {}

  struct Begun {
    std::string xml;     // what the destination is to start
    std::string cookie;
  };
  // Checks, and with kChangeProtection keeps the domain as it is from now on until the client goes, or confirms.
  Task<Begun> Begin(DomainPtr domain, MigrationOptions options, std::weak_ptr<rpc::ClientSession> client, const char* api);

  // Sends the guest. `carrier`, if given, is where QEMU writes to instead of connecting to options.uri. Returns with the guest
  // stopped here, and with the cookie for the destination. When it throws, the guest runs again as before.
  Task<std::string> Perform(DomainPtr domain, MigrationOptions options, std::string cookie, std::weak_ptr<rpc::ClientSession> client,
                            std::shared_ptr<Fd> carrier, const char* api);

  // The guest runs there, or else it goes on here.
  Task<> Confirm(DomainPtr domain, MigrationOptions options, std::string cookie, bool cancelled);

  // What a daemon that ended in the middle has left.
  Task<> Recover(DomainPtr domain);

 private:
  Task<MigrationPtr> StartJob(DomainPtr domain, unsigned flags, const char* api);
  MigrationPtr Continue(const DomainPtr& domain, MigrationPhase phase) const;
  void WatchClient(const DomainPtr& domain, const MigrationPtr& migration, const std::weak_ptr<rpc::ClientSession>& client);
  void Abandon(const DomainPtr& domain, const MigrationPtr& migration);
  void End(const DomainPtr& domain, const MigrationPtr& migration);
  Task<MigrationCookie> NewCookie(DomainPtr domain) const;
  Task<std::string> TargetXml(DomainPtr domain, MigrationOptions options);
  Task<> AddPersistent(DomainPtr domain, MigrationOptions options, MigrationCookie* cookie);
  Task<> Restore(DomainPtr domain, MigrationPtr migration);
  // send.cc
  Task<> Send(DomainPtr domain, MigrationPtr migration, MigrationOptions options, MigrationCookie* theirs, std::shared_ptr<Fd> carrier);
  Task<> AwaitSent(DomainPtr domain, MigrationPtr migration, MigrationOptions options);
  Task<bool> MoveDisplay(DomainPtr domain, MigrationOptions options, const MigrationCookie* theirs, MigrationAddress address);
  Task<> Cancel(DomainPtr domain);

  QemuDriver* driver_;
};

}  // namespace bv::qemu
