#pragma once

#include <memory>
#include <string>

#include "protocol/remote.h"
#include "qemu/guests.h"
#include "qemu/moments.h"
#include "rpc/service.h"

namespace bv::qemu {

class QemuDriver;

#define BV_QEMU_SNAPSHOT_CALLS(X) \
  X(DomainSnapshotCreateXml) X(DomainSnapshotGetXmlDesc) X(DomainSnapshotNum)                              \
  X(DomainSnapshotListNames) X(DomainListAllSnapshots) X(DomainSnapshotNumChildren)                        \
  X(DomainSnapshotListChildrenNames) X(DomainSnapshotListAllChildren) X(DomainSnapshotLookupByName)        \
  X(DomainHasCurrentSnapshot) X(DomainSnapshotCurrent) X(DomainSnapshotGetParent)                          \
  X(DomainSnapshotIsCurrent) X(DomainSnapshotHasMetadata) X(DomainSnapshotDelete)                          \
  X(DomainRevertToSnapshot)

// What clients do with snapshots of domains. Owned by the driver.
class SnapshotCalls {
 public:
  explicit SnapshotCalls(QemuDriver* driver) : driver_(driver) {}
  void Register(Service& service);

 private:
#define BV_DECLARE(NAME) Task<remote::proc::NAME::Ret> NAME(Call& call, remote::proc::NAME::Args args);
  BV_QEMU_SNAPSHOT_CALLS(BV_DECLARE)
#undef BV_DECLARE
  Task<DomainPtr> Find(remote::NonnullDomain dom);
  // A definition inside of a client's XML gets what the driver adds to any.
  Task<> Complete(model::DomainDef& def);

  // snapshot_create.cc
  Task<std::string> Redefine(DomainPtr domain, std::unique_ptr<model::Snapshot> snapshot, unsigned flags);
  Task<std::string> Create(DomainPtr domain, std::unique_ptr<model::Snapshot> snapshot, unsigned flags);
  Task<> TakeInactiveInternal(DomainPtr domain, const model::Snapshot& snapshot);
  Task<> TakeInactiveExternal(DomainPtr domain, const model::Snapshot& snapshot, bool reuse);
  Task<> TakeActiveInternal(DomainPtr domain, const model::Snapshot& snapshot, bool halt);
  // snapshot_external.cc
  Task<> TakeActiveExternal(DomainPtr domain, const model::Snapshot& snapshot, unsigned flags);
  // snapshot_delete.cc
  Task<> Drop(DomainPtr domain, std::string name, bool metadata_only);
  Task<> DropInternal(DomainPtr domain, const model::Snapshot& snapshot);
  // snapshot_drop_external.cc
  Task<> DropExternal(DomainPtr domain, std::string name);
  Task<> MergeOverlay(DomainPtr domain, std::string disk, std::string overlay);
  Task<> MergeInactiveOverlay(DomainPtr domain, std::string disk, std::string overlay);
  // snapshot_revert.cc
  Task<> Revert(DomainPtr domain, std::string name, unsigned flags);

  QemuDriver* driver_;
};

// virDomainSnapshotCreateFlags
namespace snapshot_create {
enum : unsigned {
  kRedefine = 1, kCurrent = 2, kNoMetadata = 4, kHalt = 8, kDiskOnly = 16, kReuse = 32, kQuiesce = 64, kAtomic = 128,
  kLive = 256, kValidate = 512,
};
}

}  // namespace bv::qemu
