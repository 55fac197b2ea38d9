#pragma once

#include <string>

#include "protocol/remote.h"
#include "qemu/migration/destination.h"
#include "qemu/migration/source.h"
#include "rpc/service.h"

namespace bv::qemu {

// The calls that clients migrate guests with: the versions of libvirt's protocol differ in what they can say and are
// otherwise the same.
class MigrationCalls {
 public:
  explicit MigrationCalls(QemuDriver* driver) : driver_(driver), source_(driver), destination_(driver) {}
  void Register(Service& service);
  // The migrations that an earlier daemon has left in the middle.
  Task<> Recover(DomainPtr domain);

 private:
#define BV_MIGRATION_CALLS(X)                                                                                            \
  X(DomainMigrateBegin3) X(DomainMigratePrepare3) X(DomainMigratePerform3) X(DomainMigrateFinish3) X(DomainMigrateConfirm3) \
  X(DomainMigrateBegin3Params) X(DomainMigratePrepare3Params) X(DomainMigratePerform3Params)                             \
  X(DomainMigrateFinish3Params) X(DomainMigrateConfirm3Params) X(DomainMigratePrepare2) X(DomainMigratePerform)           \
  X(DomainMigrateFinish2) X(DomainMigratePrepareTunnel3) X(DomainMigratePrepareTunnel3Params) \
  X(DomainMigrateStartPostCopy)
#define BV_DECLARE(NAME) Task<remote::proc::NAME::Ret> NAME(Call& call, remote::proc::NAME::Args args);
  BV_MIGRATION_CALLS(BV_DECLARE)
#undef BV_DECLARE
  // The memory comes through a stream of the call.
  Task<std::string> PrepareTunnel(Call& call, MigrationOptions options, std::string cookie, const char* api);
  // Between this daemon and the other, without the client.
  Task<> ToPeer(DomainPtr domain, std::optional<std::string> connection, MigrationOptions options, const char* api);

  QemuDriver* driver_;
  MigrationSource source_;
  MigrationDestination destination_;
};

}  // namespace bv::qemu
