#pragma once

#include <string>

#include "model/domain/domain.h"

namespace bv::qemu {

// Devices of definitions that come, go and change. A device alone is a definition with nothing else in it.

// What a client gives: one element of <devices>. kXmlDetail (kDomain) for text that is no XML,
// kConfigUnsupported for an element that is no device.
model::DomainDef ParseDevice(const std::string& xml, const model::DomainDef& guest);

// Calls f(device, list) for the one device, with a pointer to member `list` as its place in definitions
// (singletons: a unique_ptr). Also says what libvirt's messages call its kind.
template <typename F>
void VisitDevice(model::DomainDef& one, F f) {
  using D = model::DomainDef;
  auto list = [&](auto... members) { ((((one.*members).empty()) ? void() : f((one.*members).front(), members)), ...); };
  list(&D::disks, &D::controllers, &D::leases, &D::filesystems, &D::interfaces, &D::smartcards, &D::serials, &D::parallels,
       &D::consoles, &D::channels, &D::inputs, &D::tpms, &D::graphics, &D::sounds, &D::audios, &D::videos, &D::hostdevs,
       &D::redirdevs, &D::hubs, &D::watchdogs, &D::rngs, &D::panics, &D::shmems, &D::memory_devices);
  auto single = [&](auto... members) { (((one.*members) ? f(one.*members, members) : void()), ...); };
  single(&D::memballoon, &D::nvram, &D::iommu, &D::vsock);
}
std::string DeviceKind(model::DomainDef& one);

// The device of `guest` that is meant by the one in `wanted`, by what libvirt tells devices of its kind apart
// with; null when there is none. kOperationFailed when an interface could be more than one.
model::Disk* FindDevice(model::DomainDef& guest, const model::Disk& wanted);
model::Controller* FindDevice(model::DomainDef& guest, const model::Controller& wanted);
model::Lease* FindDevice(model::DomainDef& guest, const model::Lease& wanted);
model::Filesystem* FindDevice(model::DomainDef& guest, const model::Filesystem& wanted);
model::Interface* FindDevice(model::DomainDef& guest, const model::Interface& wanted);
model::Chardev* FindDevice(model::DomainDef& guest, const model::Chardev& wanted);
model::Input* FindDevice(model::DomainDef& guest, const model::Input& wanted);
model::Sound* FindDevice(model::DomainDef& guest, const model::Sound& wanted);
model::Hostdev* FindDevice(model::DomainDef& guest, const model::Hostdev& wanted);
model::Redirdev* FindDevice(model::DomainDef& guest, const model::Redirdev& wanted);
model::Watchdog* FindDevice(model::DomainDef& guest, const model::Watchdog& wanted);
model::Rng* FindDevice(model::DomainDef& guest, const model::Rng& wanted);
model::Shmem* FindDevice(model::DomainDef& guest, const model::Shmem& wanted);
model::MemoryDevice* FindDevice(model::DomainDef& guest, const model::MemoryDevice& wanted);
model::Vsock* FindDevice(model::DomainDef& guest, const model::Vsock& wanted);
model::Graphics* FindDevice(model::DomainDef& guest, const model::Graphics& wanted);

// The memory device that its alias or address tells, for changing it: its figures are what changes.
model::MemoryDevice* FindByPlace(model::DomainDef& guest, const model::MemoryDevice& wanted);

// What is said of an interface that is not there.
[[noreturn]] void ThrowMissing(const model::Interface& wanted);

// In a definition that is stored. Errors are libvirt's.
void AttachToConfig(model::DomainDef& guest, model::DomainDef device);
void DetachFromConfig(model::DomainDef& guest, model::DomainDef device);
void UpdateInConfig(model::DomainDef& guest, model::DomainDef device);

// The device with that alias alone, as a client would name it; kInternalError (kDomain) when there is none.
model::DomainDef DeviceByAlias(const model::DomainDef& guest, const std::string& alias);

// Takes the device at that place out of whatever list it is in.
bool RemoveDevice(model::DomainDef& guest, const void* device);

}  // namespace bv::qemu
