#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// Refuses what this QEMU cannot run and what makes no sense, after PostParse. Throws libvirt's errors:
// domain kDomain for rules of every hypervisor, kQemu for QEMU's own.
void ValidateDomain(const model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config);

namespace validate {

// The parts, by subject.
void Guest(const model::DomainDef& def, const QemuCaps& caps);
void Firmware(const model::DomainDef& def);
void Memory(const model::DomainDef& def, const QemuCaps& caps);
void Disks(const model::DomainDef& def);
void Controllers(const model::DomainDef& def);
void Displays(const model::DomainDef& def);
void Hostdevs(const model::DomainDef& def);
void OtherDevices(const model::DomainDef& def, const QemuCaps& caps);

[[noreturn]] void Unsupported(std::string text);        // kConfigUnsupported, kQemu
[[noreturn]] void Nonsense(std::string text);           // kConfigUnsupported, kDomain
[[noreturn]] void BadXml(std::string text);             // kXmlError, kDomain
[[noreturn]] void BadDetail(std::string text);          // kXmlDetail, kDomain

}  // namespace validate
}  // namespace bv::qemu
