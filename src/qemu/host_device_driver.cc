#include "qemu/host_device_driver.h"

#include "base/error.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "daemon/node_devices.h"
#include "host/host_capabilities.h"
#include "host/pci_function.h"
#include "qemu/device_claims.h"
#include "qemu/pci_passthrough.h"

namespace bv::qemu {

using namespace remote;

namespace {

// Throws kNoNodeDevice, and kInvalidArg for a device of another kind.
Task<std::string> PciAddressOf(std::string name) {
  auto find = [name] { return host::PciFunction::FindAddress(host::DeviceFiles(), name); };
  auto address = co_await Offload(find);
  if (address) co_return *address;
  co_await NodeDevices::Check(name);
  throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, "device " + name + " is not a PCI device");
}

// Runs `work` on the device by that name, with nobody using it.
Task<> OnDevice(std::string name, void (*work)(host::PciFunction& device)) {
  std::string address = co_await PciAddressOf(std::move(name));
  AssignedDevice assigned;
  assigned.name = "PCI device " + address;
  DeviceClaims::Get().CheckFree(assigned);
  auto run = [address, work] {
    host::DeviceFiles files;
    host::PciFunction device(files, address);
    if (device.IsInUse()) throw Error(ErrorDomain::kNone, ErrorCode::kOperationInvalid, "PCI device " + address + " is in use");
    work(device);
  };
  co_await Offload(run);
}

}  // namespace

void HostDeviceDriver::Register(Service& service) {
  service.On<proc::NodeDeviceDettach>(this, &HostDeviceDriver::Dettach);
  service.On<proc::NodeDeviceDetachFlags>(this, &HostDeviceDriver::DetachFlags);
  service.On<proc::NodeDeviceReAttach>(this, &HostDeviceDriver::ReAttach);
  service.On<proc::NodeDeviceReset>(this, &HostDeviceDriver::Reset);
}

Task<> HostDeviceDriver::Detach(std::string name, std::optional<std::string> driver) {
  auto unsupported = [](const char* text) { return Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, text); };
  if (driver == "kvm") throw unsupported("KVM device assignment is no longer supported on this system");
  if (driver && *driver != "vfio") throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "unknown driver name '" + *driver + "'");
  if (!co_await CanPassPciDevices()) throw unsupported("VFIO device assignment is currently not supported on this system");
  co_await LoadVfio();
  co_await OnDevice(std::move(name), [](host::PciFunction& device) { device.BindTo(host::kVfioPci); });
}

Task<> HostDeviceDriver::Dettach(Call&, NodeDeviceDettachArgs args) {
  std::optional<std::string> none;
  co_await Detach(std::move(args.name), std::move(none));
}

Task<> HostDeviceDriver::DetachFlags(Call&, NodeDeviceDetachFlagsArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kQemu, "qemuNodeDeviceDetachFlags");
  co_await Detach(std::move(args.name), std::move(args.driverName));
}

Task<> HostDeviceDriver::ReAttach(Call&, NodeDeviceReAttachArgs args) {
  co_await OnDevice(std::move(args.name), [](host::PciFunction& device) { device.BindToHost(); });
}

Task<> HostDeviceDriver::Reset(Call&, NodeDeviceResetArgs args) {
  co_await OnDevice(std::move(args.name), [](host::PciFunction& device) { device.Reset(); });
}

}  // namespace bv::qemu
