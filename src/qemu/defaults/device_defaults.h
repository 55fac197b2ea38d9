#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// What each device gets that its definition leaves open: models, formats, sizes, numbers. Throws
// kXmlError, kConfigUnsupported or kInternalError (domains kQemu and kDomain).
void CompleteDevices(model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config);

// The parts that also run on devices that come later (implicit ones, hot-plug).
void CompleteController(model::DomainDef& def, const QemuCaps& caps, model::Controller& controller);
void CompleteVideo(const model::DomainDef& def, const QemuCaps& caps, model::Video& video);
void CompleteDisk(const model::DomainDef& def, model::Disk& disk);
void CompleteInterface(const model::DomainDef& def, const QemuCaps& caps, model::Interface& net);
void CompleteHostdev(const model::DomainDef& def, model::Hostdev& hostdev);
void CompleteInput(const model::DomainDef& def, model::Input& input);
void CompleteShmem(model::Shmem& shmem);
void CompleteTpm(const model::DomainDef& def, model::Tpm& tpm);
void CompleteGraphics(const QemuConfig& config, model::Graphics& graphics);
void CompleteChardevs(model::DomainDef& def, const QemuConfig& config);

}  // namespace bv::qemu
