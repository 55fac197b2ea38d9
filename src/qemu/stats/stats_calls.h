#pragma once

#include <functional>
#include <memory>

#include "base/task.h"
#include "protocol/remote.h"
#include "qemu/domain_list.h"
#include "rpc/service.h"

namespace bv::qemu {

// The calls that ask how much guests use: all statistics at once, interfaces, processors.
class StatsCalls {
 public:
  // Finds the domain that a client means with its definition parsed, or throws.
  using Finder = std::function<Task<std::shared_ptr<Domain>>(remote::NonnullDomain)>;

  StatsCalls(DomainList* domains, Finder find) : domains_(domains), find_(std::move(find)) {}
  void Register(Service& service);

 private:
  using DomainPtr = std::shared_ptr<Domain>;

  Task<remote::ConnectGetAllDomainStatsRet> GetAllDomainStats(Call&, remote::ConnectGetAllDomainStatsArgs args);
  Task<remote::DomainInterfaceStatsRet> InterfaceStats(Call&, remote::DomainInterfaceStatsArgs args);
  Task<remote::DomainGetCpuStatsRet> GetCpuStats(Call&, remote::DomainGetCpuStatsArgs args);

  // Every domain the call is about, definitions parsed.
  Task<std::vector<DomainPtr>> Chosen(remote::ConnectGetAllDomainStatsArgs args);

  DomainList* domains_;
  Finder find_;
};

}  // namespace bv::qemu
