#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// Refuses what this QEMU cannot run, after PostParse, and what contradicts itself (model's CheckDomain()).
// Throws libvirt's errors, kConfigUnsupported of kQemu mostly.
void ValidateDomain(const model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config);

namespace validate {

// The parts, by subject.
void Guest(const model::DomainDef& def, const QemuCaps& caps);
void Board(const model::DomainDef& def);
void Memory(const model::DomainDef& def, const QemuCaps& caps);
void DiskRules(const model::DomainDef& def);
void Sharing(const model::DomainDef& def);
// Can a process beside QEMU see all of the guest's memory?
bool HasSharedMemory(const model::DomainDef& def);
void Disks(const model::DomainDef& def);
void Addresses(const model::DomainDef& def);
void Controllers(const model::DomainDef& def, const QemuCaps& caps);
void Displays(const model::DomainDef& def);
void Videos(const model::DomainDef& def);
void GraphicsSettings(const model::DomainDef& def, const QemuConfig& config);
void AudioIds(const model::DomainDef& def);
void Chardevs(const model::DomainDef& def, const QemuCaps& caps);
void Hostdevs(const model::DomainDef& def, const QemuCaps& caps);
void OtherDevices(const model::DomainDef& def, const QemuCaps& caps);

// For devices that are not virtio ones.
void RefuseVirtioOptions(const model::VirtioOptions& options);

[[noreturn]] void Unsupported(std::string text);        // kConfigUnsupported, kQemu
[[noreturn]] void Nonsense(std::string text);           // kConfigUnsupported, kDomain
[[noreturn]] void BadXml(std::string text);             // kXmlError, kDomain
[[noreturn]] void BadDetail(std::string text);          // kXmlDetail, kDomain

}  // namespace validate
}  // namespace bv::qemu
