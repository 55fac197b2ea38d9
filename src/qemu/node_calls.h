#pragma once

#include "base/task.h"
#include "host/kernel_files.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::qemu {

// The calls about this host that no emulator is asked for: processors, memory, pages.
class NodeCalls {
 public:
  explicit NodeCalls(host::KernelFiles files = host::KernelFiles()) : files_(std::move(files)) {}
  void Register(Service& service);

 private:
  Task<remote::NodeGetInfoRet> GetInfo(Call&);
  Task<remote::NodeGetCpuStatsRet> GetCpuStats(Call&, remote::NodeGetCpuStatsArgs args);
  Task<remote::NodeGetMemoryStatsRet> GetMemoryStats(Call&, remote::NodeGetMemoryStatsArgs args);
  Task<remote::NodeGetCpuMapRet> GetCpuMap(Call&, remote::NodeGetCpuMapArgs args);
  Task<remote::NodeGetFreeMemoryRet> GetFreeMemory(Call&);
  Task<remote::NodeGetCellsFreeMemoryRet> GetCellsFreeMemory(Call&, remote::NodeGetCellsFreeMemoryArgs args);
  Task<remote::NodeGetFreePagesRet> GetFreePages(Call&, remote::NodeGetFreePagesArgs args);
  Task<remote::NodeAllocPagesRet> AllocPages(Call&, remote::NodeAllocPagesArgs args);
  Task<remote::NodeGetMemoryParametersRet> GetMemoryParameters(Call&, remote::NodeGetMemoryParametersArgs args);
  Task<> SetMemoryParameters(Call&, remote::NodeSetMemoryParametersArgs args);
  Task<> SuspendForDuration(Call&, remote::NodeSuspendForDurationArgs args);

  host::KernelFiles files_;
};

}  // namespace bv::qemu
