#include "qemu/pci_passthrough.h"

#include "base/command.h"
#include "base/error.h"
#include "base/wait.h"
#include "host/host_capabilities.h"
#include "host/kernel_files.h"
#include "host/pci_function.h"

namespace bv::qemu {

using model::PciBackend;

namespace {
constexpr std::chrono::seconds kModuleLimit{30};
}

Task<bool> CanPassPciDevices() {
  auto look = [] {
    host::KernelFiles files;
    return host::HasIommu(files) && files.Exists("/dev/vfio/vfio");
  };
  co_return co_await Offload(look);
}

Task<> LoadVfio() {
  auto loaded = [] { return host::KernelFiles().Exists("/sys/bus/pci/drivers/" + std::string(host::kVfioPci)); };
  if (co_await Offload(loaded)) co_return;
  Command command;
  command.argv = {"modprobe", "-b", host::kVfioPci};
  CommandResult result = co_await Run(std::move(command), {}, In(kModuleLimit));
  if (!result.ok()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, std::string("Failed to load PCI driver module ") + host::kVfioPci);
  }
}

Task<> ChoosePciBackend(model::Hostdev& device) {
  if (device.mode != model::HostdevMode::kSubsystem || device.type != model::HostdevType::kPci) co_return;
  auto unsupported = [](const char* text) { return Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, text); };
  auto& backend = device.pci.backend;
  if (backend != PciBackend::kDefault && backend != PciBackend::kVfio)
    throw unsupported("host doesn't support legacy PCI passthrough");
  bool can = co_await CanPassPciDevices();
  if (!can && backend == PciBackend::kVfio) throw unsupported("host doesn't support VFIO PCI passthrough");
  if (!can) throw unsupported("host doesn't support passthrough of host PCI devices");
  backend = PciBackend::kVfio;
}

}  // namespace bv::qemu
