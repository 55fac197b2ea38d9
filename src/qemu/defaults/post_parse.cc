#include <algorithm>

#include "qemu/defaults/controllers.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/device_defaults.h"
#include "qemu/defaults/guest_defaults.h"
#include "qemu/defaults/implicit_devices.h"
#include "qemu/defaults/order.h"
#include "qemu/defaults/pci_addresses.h"
#include "qemu/defaults/serial_addresses.h"
#include "qemu/defaults/spapr_addresses.h"
#include "qemu/defaults/usb_addresses.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

// A console's number is its place in the document.
void NumberConsoles(DomainDef& def) {
  for (std::size_t i = 0; i < def.consoles.size(); ++i) def.consoles[i]->port = static_cast<unsigned>(i);
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
  CompleteSeclabel(def);
  CheckTseg(def);
  NumberConsoles(def);
  OrderDisks(def);
  for (auto& disk : def.disks) CompleteDisk(def, *disk);
  OrderControllers(def);
  AssignControllerIndexes(def);
  AddScsiForHostdevs(def);
  for (auto& input : def.inputs) CompleteInput(def, *input);
  AddBoardDevices(def, caps, config);
  CompleteCpu(def, caps);
  MatchConsoleWithSerial(def);
  CompleteDevices(def, caps, config);
  MatchConsoleWithSerial(def);
  CompleteMemory(def);
  CompleteNuma(def);
  CompleteFirmware(def, config);
  CompleteBoot(def);
  AddImplicitVideo(def);
  AddImplicitControllers(def);
  for (auto& controller : def.controllers) CompleteController(def, caps, *controller);
  for (auto& video : def.videos) CompleteVideo(def, caps, *video);
  MarkPrimaryVideo(def);

  AssignVirtioSerialAddresses(def);
  AssignCcidAddresses(def);
  AssignSpaprAddresses(def);
  AssignPciAddresses(def, options.new_domain);
  AssignUsbAddresses(def, options.new_domain);
  AssignMemorySlots(def);
}

}  // namespace bv::qemu
