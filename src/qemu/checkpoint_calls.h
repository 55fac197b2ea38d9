#pragma once

#include <memory>
#include <string>

#include "protocol/remote.h"
#include "qemu/guests.h"
#include "qemu/moments.h"
#include "rpc/service.h"

namespace bv::qemu {

class QemuDriver;

#define BV_QEMU_CHECKPOINT_CALLS(X) \
  X(DomainCheckpointCreateXml) X(DomainCheckpointGetXmlDesc) X(DomainListAllCheckpoints)                   \
  X(DomainCheckpointListAllChildren) X(DomainCheckpointLookupByName) X(DomainCheckpointGetParent)          \
  X(DomainCheckpointDelete)

// What clients do with checkpoints of domains. Owned by the driver.
class CheckpointCalls {
 public:
  explicit CheckpointCalls(QemuDriver* driver) : driver_(driver) {}
  void Register(Service& service);

  // For a checkpoint that comes with something else, a backup: it is completed and checked, the actions for
  // QEMU's transaction are told, and when that is done it is added.
  void Prepare(const DomainPtr& domain, model::Checkpoint& checkpoint);
  static Json Actions(const model::DomainDef& def, const model::Checkpoint& checkpoint);
  Task<> Add(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint);

 private:
#define BV_DECLARE(NAME) Task<remote::proc::NAME::Ret> NAME(Call& call, remote::proc::NAME::Args args);
  BV_QEMU_CHECKPOINT_CALLS(BV_DECLARE)
#undef BV_DECLARE
  Task<DomainPtr> Find(remote::NonnullDomain dom);
  Task<std::string> Redefine(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint, bool validate);

  // checkpoint_bitmaps.cc
  Task<std::string> Create(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint, bool quiesce);
  Task<> Measure(DomainPtr domain, std::string name);
  Task<> CheckBitmaps(DomainPtr domain, const model::Checkpoint& checkpoint);
  Task<> DeleteBitmaps(DomainPtr domain, std::string name);

  QemuDriver* driver_;
};

}  // namespace bv::qemu
