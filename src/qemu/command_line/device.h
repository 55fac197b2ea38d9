#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// What the descriptions of all devices have in common.

// `info`'s <address>: bus and place on it. Throws kInternalError when the controller is not there.
void AddAddress(Props* props, const model::DeviceInfo& info, const Context& context);
// The place of a SCSI device behind its controller: channel, target and lun, or the target alone.
void AddScsiPlace(Props* props, const model::DriveAddress& drive, const Context& context);
// "bootindex", when the guest may boot from it; see BootIndexes.
void AddBootIndex(Props* props, const model::DeviceInfo& info, const Context& context);
// Option ROM of a PCI device.
void AddRom(Props* props, const model::DeviceInfo& info);
// Changes that the guest's <qemu:override> asks for the device with this alias.
void ApplyOverrides(Props* props, const model::DeviceInfo& info, const Context& context);

// A device of the virtio family: its driver name with the transport's suffix ("virtio-net-pci",
// "-ccw", "-device", "-pci-transitional"), then the options of <driver>.
Props VirtioDevice(const char* base, const model::DeviceInfo& info, model::VirtioModel model, const model::VirtioOptions& options,
                   const Context& context);

// The alias of the PCI, USB, SCSI ... controller with that index; empty when there is none.
std::string ControllerAlias(model::ControllerType type, unsigned index, const Context& context);

// Appends "-device", after overrides.
void AddDevice(Props props, const model::DeviceInfo& info, const Context& context, CommandLine* out);

}  // namespace bv::qemu
