#include "qemu/cpu_calls.h"

#include "base/schema.h"
#include "base/verbatim_error.h"
#include "qemu/cpu_queries.h"

namespace bv::qemu {

namespace {

// `flags` without the demand for validation if that has been done.
Task<unsigned> HeldAgainstSchema(unsigned flags, const std::string& xml) {
  bool left = co_await xml::StillToValidate(flags & kCompareValidateXml, xml, "cpu", "cpu");
  co_return left ? flags : flags & ~kCompareValidateXml;
}

}  // namespace

namespace {

constexpr unsigned kBaselineFlags = kBaselineExpandFeatures | kBaselineMigratable;
constexpr unsigned kCompareFlags = kCompareFailIncompatible | kCompareValidateXml;

void Refuse(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kQemu, function);
}

}  // namespace

void CpuCalls::Register(Service& service) {
  using namespace remote::proc;
  service.On<ConnectGetCpuModelNames>(this, &CpuCalls::GetModelNames);
  service.On<ConnectCompareCpu>(this, &CpuCalls::Compare);
  service.On<ConnectCompareHypervisorCpu>(this, &CpuCalls::CompareHypervisor);
  service.On<ConnectBaselineCpu>(this, &CpuCalls::Baseline);
  service.On<ConnectBaselineHypervisorCpu>(this, &CpuCalls::BaselineHypervisor);
}

Task<remote::ConnectGetCpuModelNamesRet> CpuCalls::GetModelNames(Call&, remote::ConnectGetCpuModelNamesArgs args) {
  Refuse(args.flags, 0, "qemuConnectGetCPUModelNames");
  remote::ConnectGetCpuModelNamesRet ret;
  auto names = CpuModelNames(args.arch);
  ret.ret = static_cast<int32_t>(names.size());
  if (args.need_results) {
    for (std::string& name : names) ret.models.push_back(std::move(name));
  }
  co_return ret;
}

Task<remote::ConnectCompareCpuRet> CpuCalls::Compare(Call&, remote::ConnectCompareCpuArgs args) {
  Refuse(args.flags, kCompareFlags, "qemuConnectCompareCPU");
  model::CpuDef host = co_await host_->HostCpu();
  args.flags = co_await HeldAgainstSchema(args.flags, args.xml);
  remote::ConnectCompareCpuRet ret;
  ret.result = CompareCpu(host, args.xml, args.flags);
  co_return ret;
}

Task<remote::ConnectCompareHypervisorCpuRet> CpuCalls::CompareHypervisor(Call&,
                                                                         remote::ConnectCompareHypervisorCpuArgs args) {
  Refuse(args.flags, kCompareFlags, "qemuConnectCompareHypervisorCPU");
  EmulatorChoice choice = co_await host_->Choose(args.emulator, args.arch, args.machine, args.virttype);
  args.flags = co_await HeldAgainstSchema(args.flags, args.xmlCPU);
  remote::ConnectCompareHypervisorCpuRet ret;
  ret.result = CompareHypervisorCpu(*choice.caps, choice.accelerator, args.xmlCPU, args.flags);
  co_return ret;
}

Task<remote::ConnectBaselineCpuRet> CpuCalls::Baseline(Call&, remote::ConnectBaselineCpuArgs args) {
  Refuse(args.flags, kBaselineFlags, "qemuConnectBaselineCPU");
  auto cpus = ParseCpus(args.xmlCPUs, model::CpuType::kHost);
  remote::ConnectBaselineCpuRet ret;
  ret.cpu = BaselineCpu(cpus, args.flags);
  co_return ret;
}

Task<remote::ConnectBaselineHypervisorCpuRet> CpuCalls::BaselineHypervisor(
    Call&, remote::ConnectBaselineHypervisorCpuArgs args) {
  Refuse(args.flags, kBaselineFlags, "qemuConnectBaselineHypervisorCPU");
  auto cpus = ParseCpus(args.xmlCPUs, model::CpuType::kAuto);
  EmulatorChoice choice = co_await host_->Choose(args.emulator, args.arch, args.machine, args.virttype);
  remote::ConnectBaselineHypervisorCpuRet ret;
  ret.cpu = BaselineHypervisorCpu(*choice.caps, choice.accelerator, cpus, args.flags);
  co_return ret;
}

}  // namespace bv::qemu
