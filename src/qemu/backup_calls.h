#pragma once

#include <map>
#include <memory>

#include "base/uuid.h"
#include "model/backup.h"
#include "protocol/remote.h"
#include "qemu/block_jobs.h"
#include "rpc/service.h"

namespace bv::qemu {

class QemuDriver;

// Backups of running guests, one a guest. Owned by the driver.
class BackupCalls {
 public:
  explicit BackupCalls(QemuDriver* driver) : driver_(driver) {}
  ~BackupCalls();
  void Register(Service& service);

  // Ends the domain's backup; what it ends with comes when QEMU has let go.
  Task<> Abort(DomainPtr domain);

 private:
  struct Running;
  struct Store;
  using RunningPtr = std::shared_ptr<Running>;

  Task<> DomainBackupBegin(Call& call, remote::DomainBackupBeginArgs args);
  Task<remote::DomainBackupGetXmlDescRet> DomainBackupGetXmlDesc(Call& call, remote::DomainBackupGetXmlDescArgs args);

  Task<> PrepareStore(RunningPtr running, Store* store, bool reuse);
  Task<> ServeNbd(RunningPtr running);
  Task<> ExportStores(RunningPtr running);
  Task<> StopNbd(RunningPtr running);
  Task<> TakeBack(RunningPtr running, Store* store);
  Task<> StoreEnded(RunningPtr running, Store* store, std::string error, bool aborted);
  void Finish(RunningPtr running);
  void LetGo(Running& running);
  // A guest that ends takes its backup with it.
  Task<> Watch(RunningPtr running);

  QemuDriver* driver_;
  std::map<Uuid, RunningPtr> running_;
};

}  // namespace bv::qemu
