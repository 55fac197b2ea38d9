#include "qemu/migratable.h"

#include <algorithm>
#include <memory>

#include "model/domain/device_xml.h"
#include "qemu/agent.h"
#include "qemu/guest.h"
#include "qemu/defaults/order.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

// The one controller of a type, if there is just one.
const Controller* OnlyController(const DomainDef& def, ControllerType type) {
  const Controller* only = nullptr;
  for (auto& controller : def.controllers) {
    if (controller->type != type) continue;
    if (only) return nullptr;
    only = controller.get();
  }
  return only;
}

void DropController(DomainDef& def, const Controller* controller) {
  std::erase_if(def.controllers, [=](auto& other) { return other.get() == controller; });
}

void DropBoardControllers(DomainDef& def) {
  const Controller* usb = OnlyController(def, ControllerType::kUsb);
  bool plain = usb && (usb->model == ControllerModel::kPiix3Uhci || usb->model == ControllerModel::kDefault);
  if (plain && usb->index == 0u && usb->info.alias.empty() && IsI440fx(def)) DropController(def, usb);
  const Controller* pci = OnlyController(def, ControllerType::kPci);
  if (pci && pci->index == 0u && pci->info.alias.empty() && pci->model == ControllerModel::kPciRoot && !pci->pci.pcihole64) DropController(def, pci);
}

// Is it what would be made if there were none?
bool IsDefaultAudio(const DomainDef& def) {
  if (def.audios.size() != 1 || def.audios[0]->id != 1) return false;
  std::optional<AudioType> type = AudioType::kNone;
  for (auto& graphics : def.graphics) {
    if (graphics->type == GraphicsType::kSpice) type = AudioType::kSpice;
    if (graphics->type == GraphicsType::kVnc) type = AudioType::kNone;
    if (graphics->type == GraphicsType::kSdl) type.reset();
  }
  if (!type) return false;
  DomainDef given, plain;
  given.audios.push_back(std::make_unique<Audio>(*def.audios[0]));
  plain.audios.push_back(std::make_unique<Audio>());
  plain.audios[0]->id = 1;
  plain.audios[0]->type = *type;
  return FormatDevices(given, kFormatInactive) == FormatDevices(plain, kFormatInactive);
}

}  // namespace

DomainDef MigratableDef(const DomainDef& def) {
  DomainDef copy = ParseDomain(FormatDomain(def, kFormatInactive | kFormatSecure), kParseInactive);
  OrderDisks(copy);
  OrderControllers(copy);
  for (std::size_t i = 0; i < copy.consoles.size(); ++i) {
    if (copy.consoles[i]->console_target != ConsoleTarget::kSerial) copy.consoles[i]->port = static_cast<unsigned>(i);
  }
  DropBoardControllers(copy);
  if (IsX86(copy)) {
    std::erase_if(copy.inputs, [](auto& input) { return input->type == InputType::kKeyboard && input->bus == InputBus::kPs2; });
  }
  if (IsDefaultAudio(copy)) copy.audios.clear();
  return copy;
}

DomainDef MigratableDef(const Domain& domain) {
  DomainDef def = MigratableDef(domain.def());
  if (domain.guest && domain.guest->original_cpu) def.cpu = *domain.guest->original_cpu;
  return def;
}

std::string MigratableXml(const Domain& domain) { return FormatDomain(MigratableDef(domain), kMigratableFormat); }

std::string MigratableXml(const DomainDef& def) { return FormatDomain(MigratableDef(def), kMigratableFormat); }

}  // namespace bv::qemu
