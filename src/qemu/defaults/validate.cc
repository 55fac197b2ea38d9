#include "qemu/defaults/validate.h"

#include "base/error.h"

namespace bv::qemu {

namespace validate {

void Unsupported(std::string text) { throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, std::move(text)); }
void RefuseVirtioOptions(const model::VirtioOptions& options) {
  auto refuse = [](model::OnOff option, const char* name) {
    if (option != model::OnOff::kAbsent) Nonsense(std::string(name) + " driver option is only supported for virtio devices");
  };
  refuse(options.iommu, "iommu");
  refuse(options.ats, "ats");
  refuse(options.packed, "packed");
  refuse(options.page_per_vq, "page_per_vq");
}
void BadXml(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, std::move(text)); }
void BadDetail(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlDetail, std::move(text)); }
void Nonsense(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, std::move(text)); }

}  // namespace validate

void ValidateDomain(const model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config) {
  validate::Guest(def, caps);
  validate::Board(def);
  validate::Memory(def, caps);
  validate::Addresses(def);
  validate::DiskRules(def);
  validate::Disks(def);
  validate::Hostdevs(def, caps);
  validate::Videos(def);
  validate::Controllers(def, caps);
  model::CheckChardevSources(def);
  validate::Chardevs(def, caps);
  validate::Sharing(def);
  validate::OtherDevices(def, caps);
  validate::Displays(def);
  validate::GraphicsSettings(def, config);
  // Devices by themselves come first, then how they go together.
  validate::AudioIds(def);
  model::CheckDomain(def);
}

}  // namespace bv::qemu
