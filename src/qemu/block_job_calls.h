#pragma once

#include <string>

#include "protocol/remote.h"
#include "qemu/block_jobs.h"
#include "rpc/service.h"

namespace bv::qemu {

class QemuDriver;

// What clients do with block jobs. Owned by the driver.
class BlockJobCalls {
 public:
  explicit BlockJobCalls(QemuDriver* driver) : driver_(driver) {}
  void Register(Service& service);

 private:
  Task<> DomainBlockJobAbort(Call& call, remote::DomainBlockJobAbortArgs args);
  Task<remote::DomainGetBlockJobInfoRet> DomainGetBlockJobInfo(Call& call, remote::DomainGetBlockJobInfoArgs args);
  Task<> DomainBlockJobSetSpeed(Call& call, remote::DomainBlockJobSetSpeedArgs args);
  Task<> DomainBlockPull(Call& call, remote::DomainBlockPullArgs args);
  Task<> DomainBlockRebase(Call& call, remote::DomainBlockRebaseArgs args);
  Task<> DomainBlockCommit(Call& call, remote::DomainBlockCommitArgs args);
  // block_copy.cc
  Task<> DomainBlockCopy(Call& call, remote::DomainBlockCopyArgs args);
  Task<> CopyTo(remote::NonnullDomain dom, std::string path, model::StorageSource target, BlockJobs::CopyOptions options, unsigned flags);
  // A disk that has no job yet.
  static model::Disk& IdleDisk(const Domain& domain, const std::string& name);
  Task<> PullTo(remote::NonnullDomain dom, std::string path, std::optional<std::string> base, std::uint64_t bandwidth,
                bool bytes, bool relative);

  QemuDriver* driver_;
};

}  // namespace bv::qemu
