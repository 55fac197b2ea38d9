#pragma once

#include "base/task.h"
#include "protocol/remote.h"
#include "qemu/host_calls.h"
#include "rpc/service.h"

namespace bv::qemu {

// The calls that compare, combine and list CPU definitions; what they answer is in cpu_queries.h.
class CpuCalls {
 public:
  explicit CpuCalls(HostCalls* host) : host_(host) {}
  void Register(Service& service);

 private:
  Task<remote::ConnectGetCpuModelNamesRet> GetModelNames(Call&, remote::ConnectGetCpuModelNamesArgs args);
  Task<remote::ConnectCompareCpuRet> Compare(Call&, remote::ConnectCompareCpuArgs args);
  Task<remote::ConnectCompareHypervisorCpuRet> CompareHypervisor(Call&, remote::ConnectCompareHypervisorCpuArgs args);
  Task<remote::ConnectBaselineCpuRet> Baseline(Call&, remote::ConnectBaselineCpuArgs args);
  Task<remote::ConnectBaselineHypervisorCpuRet> BaselineHypervisor(Call&, remote::ConnectBaselineHypervisorCpuArgs args);

  HostCalls* host_;
};

}  // namespace bv::qemu
