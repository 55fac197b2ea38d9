#include "qemu/host_calls.h"

#include <fmt/core.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>

#include "base/arch.h"
#include "base/files.h"
#include "base/verbatim_error.h"
#include "base/log.h"
#include "base/wait.h"
#include "cpu/host_cpu.h"
#include "host/host_name.h"
#include "host/host_uuid.h"
#include "host/kvm.h"
#include "model/domain/domain.h"
#include "qemu/capabilities_xml.h"

namespace bv::qemu {

namespace {

using model::VirtType;

// The number that libvirt gives for guests without KVM, whatever the emulator could do.
constexpr int kMaxEmulatedVcpus = 16;

struct EmulatorPath {
  std::string_view arch;
  std::string path;
};

// Every emulator in PATH, in the order of libvirt's architectures. Blocks.
std::vector<EmulatorPath> FindEmulators() {
  std::vector<EmulatorPath> found;
  for (const Arch& arch : Archs()) {
    if (auto path = FindEmulator(arch.name)) found.push_back({arch.name, std::move(*path)});
  }
  return found;
}

Error InvalidArg(std::string detail) { return Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, std::move(detail)); }

Error NoEmulator(std::string_view arch) {
  return Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
               fmt::format("unable to find any emulator to serve '{}' architecture", arch));
}

// A binary for x86_64 runs 32-bit guests as well.
bool Serves(std::string_view emulator_arch, std::string_view guest_arch) {
  return emulator_arch == guest_arch || (emulator_arch == "x86_64" && guest_arch == "i686");
}

std::string_view NameOf(Accelerator accelerator) { return accelerator == Accelerator::kKvm ? "kvm" : "qemu"; }

}  // namespace

HostCalls::HostCalls(CapsCache* caps, std::shared_ptr<const QemuConfig> config, host::KernelFiles files)
    : caps_(caps), config_(std::move(config)), files_(std::move(files)) {}

void HostCalls::Register(Service& service) {
  using namespace remote::proc;
  service.On<ConnectGetType>(this, &HostCalls::GetType);
  service.On<ConnectGetVersion>(this, &HostCalls::GetVersion);
  service.On<ConnectGetHostname>(this, &HostCalls::GetHostname);
  service.On<ConnectGetSysinfo>(this, &HostCalls::GetSysinfo);
  service.On<ConnectGetMaxVcpus>(this, &HostCalls::GetMaxVcpus);
  service.On<ConnectGetCapabilities>(this, &HostCalls::GetCapabilities);
  service.On<ConnectGetDomainCapabilities>(this, &HostCalls::GetDomainCapabilities);
  service.On<NodeGetSecurityModel>(this, &HostCalls::GetSecurityModel);
  service.On<NodeGetSevInfo>(this, &HostCalls::GetSevInfo);
}

Task<remote::ConnectGetTypeRet> HostCalls::GetType(Call&) {
  remote::ConnectGetTypeRet ret;
  ret.type = "QEMU";
  co_return ret;
}

Task<remote::ConnectGetVersionRet> HostCalls::GetVersion(Call&) {
  auto binary = FindEmulator(cpu::HostArch());
  if (!binary) throw NoEmulator(cpu::HostArch());
  CapsPtr caps = co_await caps_->GetBasics(*binary);
  remote::ConnectGetVersionRet ret;
  ret.hv_ver = caps->version();
  co_return ret;
}

Task<remote::ConnectGetHostnameRet> HostCalls::GetHostname(Call&) {
  auto look_up = Offload([] { return host::HostName(); });
  remote::ConnectGetHostnameRet ret;
  ret.hostname = co_await std::move(look_up);
  co_return ret;
}

Task<remote::ConnectGetSysinfoRet> HostCalls::GetSysinfo(Call&, remote::ConnectGetSysinfoArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kQemu, "qemuConnectGetSysinfo");
  throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "Host SMBIOS information is not available");
  co_return remote::ConnectGetSysinfoRet();
}

Task<remote::ConnectGetMaxVcpusRet> HostCalls::GetMaxVcpus(Call&, remote::ConnectGetMaxVcpusArgs args) {
  remote::ConnectGetMaxVcpusRet ret;
  const std::string type = args.type.value_or("qemu");
  if (strcasecmp(type.c_str(), "qemu") == 0) {
    ret.max_vcpus = kMaxEmulatedVcpus;
  } else if (strcasecmp(type.c_str(), "kvm") == 0) {
    auto max = host::KvmMaxVcpus();
    if (!max) throw SystemError(ErrorDomain::kNone, "Unable to open /dev/kvm");
    ret.max_vcpus = static_cast<int32_t>(*max);
  } else {
    throw InvalidArg(fmt::format("unknown type '{}'", type));
  }
  co_return ret;
}

// --- Capabilities --------------------------------------------------------------------------------

Task<model::CpuDef> HostCalls::HostCpu() {
  if (!host_cpu_) {
    auto detect = Offload([] { return cpu::DetectHostCpu(); });
    model::CpuDef cpu = co_await std::move(detect);
    host_cpu_ = std::make_shared<const model::CpuDef>(std::move(cpu));
  }
  co_return *host_cpu_;
}

std::vector<host::SecurityModel> HostCalls::SecurityModels() const {
  std::vector<host::SecurityModel> models;
  models.push_back({.model = "none", .doi = "0"});
  if (!config_->privileged) return models;
  const std::string label = fmt::format("+{}:+{}", config_->uid, config_->gid);
  host::SecurityModel& dac = models.emplace_back();
  dac.model = "dac";
  dac.doi = "0";
  dac.base_labels.emplace_back("kvm", label);
  dac.base_labels.emplace_back("qemu", label);
  return models;
}

Task<remote::ConnectGetCapabilitiesRet> HostCalls::GetCapabilities(Call&) {
  auto find = Offload([] { return FindEmulators(); });
  std::vector<EmulatorPath> paths = co_await std::move(find);
  for (const EmulatorPath& emulator : paths) caps_->Prepare(emulator.path);

  // While QEMU starts, the host can be looked at.
  host::HostDescription description;
  description.uuid = host::HostUuid();
  description.cpu = co_await HostCpu();
  description.live_migration = true;
  description.migration_transports = {"tcp", "rdma"};
  description.security_models = SecurityModels();

  std::vector<GuestEmulator> emulators;
  for (const EmulatorPath& emulator : paths) {
    try {
      CapsPtr caps = co_await caps_->GetBasics(emulator.path);
      emulators.push_back({emulator.arch, std::move(caps)});
    } catch (const Error& e) {
      // One that does not work is as good as none.
      LogWarn("qemu.qemu_capabilities", "{}: {}", emulator.path, e.what());
    }
  }
  // Small files by the hundred on a large host.
  auto format = Offload([description = std::move(description), files = files_, emulators = std::move(emulators)] {
    return FormatCapabilities(description, files, emulators);
  });
  remote::ConnectGetCapabilitiesRet ret;
  ret.capabilities = co_await std::move(format);
  co_return ret;
}

// Looked at anew each time: what an administrator installs may be used at once.
Task<HostAbilities> HostCalls::Abilities(EmulatorChoice choice) const {
  auto look = [files = files_, privileged = config_->privileged, arch = choice.arch, machine = choice.machine->name] {
    HostAbilities abilities;
    abilities.kvm_max_vcpus = host::KvmMaxVcpus().value_or(0);
    abilities.vfio = host::HasIommu(files) && files.Exists("/dev/vfio/vfio");
    abilities.swtpm = FindProgram("swtpm") && FindProgram("swtpm_setup");
    abilities.firmware = FirmwareFor(ReadFirmwareDescriptors(FirmwareDirectories(privileged)), arch, machine);
    return abilities;
  };
  co_return co_await Offload(std::move(look));
}

Task<EmulatorChoice> HostCalls::Choose(std::optional<std::string> binary, std::optional<std::string> arch,
                                       std::optional<std::string> machine, std::optional<std::string> virt_type) {
  EmulatorChoice choice;
  auto type = VirtType::kNone;
  if (virt_type) {
    auto parsed = model::FromString<VirtType>(*virt_type);
    if (!parsed) throw InvalidArg(fmt::format("unknown virttype: {}", *virt_type));
    type = *parsed;
  }
  if (arch && !FindArch(*arch)) throw InvalidArg(fmt::format("unknown architecture: {}", *arch));

  choice.arch = arch.value_or(std::string(cpu::HostArch()));
  if (!binary) {
    auto path = FindEmulator(choice.arch);
    if (!path) throw NoEmulator(choice.arch);
    binary = path;
  }
  choice.caps = co_await caps_->Get(*binary);
  if (!Serves(choice.caps->arch(), choice.arch)) {
    throw InvalidArg(fmt::format("Emulator '{}' does not support arch '{}'", *binary, choice.arch));
  }

  const bool kvm = choice.caps->HasAccelerator(Accelerator::kKvm);
  if (type == VirtType::kNone) type = kvm ? VirtType::kKvm : VirtType::kQemu;
  choice.accelerator = type == VirtType::kKvm ? Accelerator::kKvm : Accelerator::kTcg;
  if (type == VirtType::kKvm && !kvm) throw InvalidArg(fmt::format("KVM is not supported by '{}' on this host", *binary));
  if ((type != VirtType::kKvm && type != VirtType::kQemu) || !choice.caps->HasAccelerator(choice.accelerator)) {
    throw InvalidArg(fmt::format("Emulator '{}' does not support virt type '{}'", *binary,
                                 virt_type.value_or(std::string(NameOf(choice.accelerator)))));
  }

  choice.caps = co_await caps_->Get(*binary, choice.accelerator);
  choice.machine = machine ? choice.caps->FindMachine(*machine) : choice.caps->DefaultMachine();
  if (!machine && !choice.machine && !choice.caps->machines().empty()) choice.machine = &choice.caps->machines().front();
  if (!choice.machine) {
    throw InvalidArg(fmt::format("the machine '{}' is not supported by emulator '{}'", machine.value_or(""), *binary));
  }
  co_return choice;
}

Task<remote::ConnectGetDomainCapabilitiesRet> HostCalls::GetDomainCapabilities(
    Call&, remote::ConnectGetDomainCapabilitiesArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kQemu, "qemuConnectGetDomainCapabilities");
  EmulatorChoice choice = co_await Choose(args.emulatorbin, args.arch, args.machine, args.virttype);
  HostAbilities abilities = co_await Abilities(choice);
  remote::ConnectGetDomainCapabilitiesRet ret;
  ret.capabilities = FormatDomainCapabilities(*choice.caps, *choice.machine, choice.arch, choice.accelerator, abilities);
  co_return ret;
}

// --- Security ------------------------------------------------------------------------------------

Task<remote::NodeGetSecurityModelRet> HostCalls::GetSecurityModel(Call&) {
  const host::SecurityModel first = SecurityModels().front();
  remote::NodeGetSecurityModelRet ret;
  // The terminating NUL goes on the wire, too.
  ret.model = std::string(first.model.c_str(), first.model.size() + 1);
  ret.doi = std::string(first.doi.c_str(), first.doi.size() + 1);
  co_return ret;
}

Task<remote::NodeGetSevInfoRet> HostCalls::GetSevInfo(Call&, remote::NodeGetSevInfoArgs args) {
  auto binary = FindEmulator(cpu::HostArch());
  if (!binary) throw NoEmulator(cpu::HostArch());
  CapsPtr caps = co_await caps_->Get(*binary);
  const SevCapability* sev = caps->sev();
  if (!sev) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "QEMU does not support SEV guest");
  remote::NodeGetSevInfoRet ret;
  auto add = [&](const char* name, TypedParamValue value) {
    TypedParam& param = ret.params.emplace_back();
    param.field = name;
    param.value = std::move(value);
  };
  add("pdh", std::string(sev->pdh));
  add("cert-chain", std::string(sev->cert_chain));
  add("cbitpos", uint32_t{sev->cbitpos});
  add("reduced-phys-bits", uint32_t{sev->reduced_phys_bits});
  add("cpu0-id", std::string(sev->cpu0_id));
  ret.nparams = static_cast<int32_t>(ret.params.size());
  if (args.nparams == 0) ret.params.clear();
  co_return ret;
}

}  // namespace bv::qemu
