#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "host/host_capabilities.h"
#include "host/kernel_files.h"
#include "model/cpu.h"
#include "protocol/remote.h"
#include "qemu/capabilities_cache.h"
#include "qemu/config.h"
#include "qemu/domain_capabilities.h"
#include "rpc/service.h"

namespace bv::qemu {

// What a call that names an emulator, an architecture, a machine and a virtualisation type, all of them
// optional, is about.
struct EmulatorChoice {
  CapsPtr caps;  // with CPU data of the accelerator
  std::string arch;
  Accelerator accelerator = Accelerator::kKvm;
  const MachineType* machine = nullptr;  // in caps
};

// The calls about the connection and what the host and its emulators can do. Outlives its calls.
class HostCalls {
 public:
  HostCalls(CapsCache* caps, std::shared_ptr<const QemuConfig> config, host::KernelFiles files = host::KernelFiles());
  void Register(Service& service);
  // After a reload of qemu.conf.
  void set_config(std::shared_ptr<const QemuConfig> config) { config_ = std::move(config); }

  // Throws libvirt's errors (domain kQemu) for what does not fit together.
  Task<EmulatorChoice> Choose(std::optional<std::string> binary, std::optional<std::string> arch,
                              std::optional<std::string> machine, std::optional<std::string> virt_type);
  // This machine's processor; detected once.
  Task<model::CpuDef> HostCpu();

 private:
  Task<remote::ConnectGetTypeRet> GetType(Call&);
  Task<remote::ConnectGetVersionRet> GetVersion(Call&);
  Task<remote::ConnectGetHostnameRet> GetHostname(Call&);
  Task<remote::ConnectGetSysinfoRet> GetSysinfo(Call&, remote::ConnectGetSysinfoArgs args);
  Task<remote::ConnectGetMaxVcpusRet> GetMaxVcpus(Call&, remote::ConnectGetMaxVcpusArgs args);
  Task<remote::ConnectGetCapabilitiesRet> GetCapabilities(Call&);
  Task<remote::ConnectGetDomainCapabilitiesRet> GetDomainCapabilities(Call&, remote::ConnectGetDomainCapabilitiesArgs args);
  Task<remote::NodeGetSecurityModelRet> GetSecurityModel(Call&);
  Task<remote::NodeGetSevInfoRet> GetSevInfo(Call&, remote::NodeGetSevInfoArgs args);

  std::vector<host::SecurityModel> SecurityModels() const;
  Task<HostAbilities> Abilities(EmulatorChoice choice) const;

  CapsCache* caps_;
  std::shared_ptr<const QemuConfig> config_;
  host::KernelFiles files_;
  std::shared_ptr<const model::CpuDef> host_cpu_;
};

}  // namespace bv::qemu
