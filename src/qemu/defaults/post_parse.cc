#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/defaults/controllers.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/device_defaults.h"
#include "qemu/defaults/guest_defaults.h"
#include "qemu/defaults/implicit_devices.h"
#include "qemu/defaults/order.h"
#include "qemu/defaults/pci_addresses.h"
#include "qemu/defaults/serial_addresses.h"
#include "qemu/defaults/usb_addresses.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

// Two controllers of a type with one index can only be the parts of one USB 2 controller.
void RejectDuplicateControllers(const DomainDef& def) {
  for (std::size_t i = 0; i < def.controllers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Controller& a = *def.controllers[i];
      const Controller& b = *def.controllers[j];
      if (a.type != b.type || a.index != b.index || (IsIch9Usb2(a) && IsIch9Usb2(b))) continue;
      if (a.type == ControllerType::kUsb && (a.info.master_startport || b.info.master_startport)) continue;
      throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError,
                  fmt::format("Multiple '{}' controllers with index '{}'", ToString(a.type), *a.index));
    }
  }
}

void RejectUsbWithoutBus(const DomainDef& def) {
  auto none = [](auto& c) { return c->type == ControllerType::kUsb && c->model == ControllerModel::kUsbNone; };
  if (std::ranges::none_of(def.controllers, none)) return;
  auto usb = [](auto& c) { return c->type == ControllerType::kUsb && c->model != ControllerModel::kUsbNone; };
  if (std::ranges::any_of(def.controllers, usb)) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kXmlDetail, "Can't add another USB controller: USB is disabled for this domain");
  }
  auto refuse = [](const char* what) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported,
                fmt::format("Can't add {}: USB is disabled for this domain", what));
  };
  for (auto& input : def.inputs) {
    if (input->bus == InputBus::kUsb) refuse("USB input device");
  }
  for (auto& disk : def.disks) {
    if (disk->bus == DiskBus::kUsb) refuse("USB disk");
  }
  if (!def.hubs.empty()) refuse("USB hub");
  if (!def.redirdevs.empty()) refuse("USB redirected device");
}

void MarkPrimaryVideo(DomainDef& def) {
  if (def.videos.empty()) return;
  auto primary = std::ranges::find_if(def.videos, [](auto& v) { return v->primary; });
  if (primary == def.videos.end()) {
    if (def.videos[0]->type != VideoType::kNone) def.videos[0]->primary = true;
  } else {
    std::rotate(def.videos.begin(), primary, primary + 1);
  }
}

}  // namespace

void PostParse(DomainDef& def, const QemuCaps& caps, const QemuConfig& config, PostParseOptions options) {
  CompleteMachine(def, caps);
  for (auto& disk : def.disks) CompleteDisk(def, *disk);
  AssignControllerIndexes(def);
  OrderDevices(def);
  AddBoardDevices(def, caps, config);
  CompleteCpu(def, caps);
  MatchConsoleWithSerial(def);
  CompleteDevices(def, caps, config);
  MatchConsoleWithSerial(def);
  CompleteMemory(def);
  CompleteNuma(def);
  RejectDuplicateControllers(def);
  RejectUsbWithoutBus(def);
  CompleteBoot(def);
  AddImplicitVideo(def);
  AddImplicitControllers(def);
  for (auto& controller : def.controllers) CompleteController(def, caps, *controller);
  for (auto& video : def.videos) CompleteVideo(def, caps, *video);
  MarkPrimaryVideo(def);

  AssignVirtioSerialAddresses(def);
  AssignCcidAddresses(def);
  AssignPciAddresses(def, options.new_domain);
  AssignUsbAddresses(def, options.new_domain);
  AssignMemorySlots(def);
}

}  // namespace bv::qemu
