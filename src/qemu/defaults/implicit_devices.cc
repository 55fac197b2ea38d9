#include "qemu/defaults/implicit_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "qemu/defaults/controllers.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

void EnsurePciRoot(DomainDef& def, ControllerModel model) {
  Controller* root = FindController(def, ControllerType::kPci, 0);
  if (root && root->model != model) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError,
                fmt::format("The PCI controller with index='0' must be model='{}' for this machine type, but model='{}' was "
                            "found instead",
                            ToString(model), ToString(root->model)));
  }
  if (!root) EnsureController(def, ControllerType::kPci, 0, model);
}

ControllerModel DefaultUsbModel(const DomainDef& def, const QemuCaps& caps) {
  if (!IsQ35(def)) return ControllerModel::kDefault;  // decided with the other controllers' models
  if (caps.Has(QemuCap::kQemuXhci)) return ControllerModel::kQemuXhci;
  if (caps.Has(QemuCap::kNecUsbXhci)) return ControllerModel::kNecXhci;
  return caps.Has(QemuCap::kIch9UsbEhci1) ? ControllerModel::kIch9Ehci1 : ControllerModel::kUsbNone;
}

// A whole ICH9 USB 2 controller is four functions.
void AddUsb(DomainDef& def, ControllerModel model) {
  auto add = [&](ControllerModel m, std::optional<unsigned> master_port) {
    auto controller = std::make_unique<Controller>();
    controller->type = ControllerType::kUsb;
    controller->index = 0;
    controller->model = m;
    controller->info.master_startport = master_port;
    def.controllers.push_back(std::move(controller));
  };
  add(model, std::nullopt);
  if (model != ControllerModel::kIch9Ehci1) return;
  add(ControllerModel::kIch9Uhci1, 0);
  add(ControllerModel::kIch9Uhci2, 2);
  add(ControllerModel::kIch9Uhci3, 4);
}

void EnsureInput(DomainDef& def, InputType type) {
  bool there = std::ranges::any_of(def.inputs, [=](auto& i) { return i->type == type && i->bus == InputBus::kPs2; });
  if (there) return;
  auto input = std::make_unique<Input>();
  input->type = type;
  input->bus = InputBus::kPs2;
  def.inputs.push_back(std::move(input));
}

// Where sound goes follows from how the guest is looked at. Displays on the host's own screen have no
// sound unless somebody asks for it, and some settings leave the choice to QEMU's environment.
void AddDefaultAudio(DomainDef& def, const QemuConfig& config) {
  if (!def.audios.empty()) return;
  std::optional<AudioType> type;
  if (def.graphics.empty() && !config.nographics_allow_host_audio) type = AudioType::kNone;
  for (auto& graphics : def.graphics) {
    if (graphics->type == GraphicsType::kSpice) type = AudioType::kSpice;
    if (graphics->type == GraphicsType::kVnc && !config.vnc_allow_host_audio) type = AudioType::kNone;
    if (graphics->type == GraphicsType::kSdl) type.reset();
  }
  if (!type) return;
  auto audio = std::make_unique<Audio>();
  audio->id = 1;
  audio->type = *type;
  def.audios.push_back(std::move(audio));
}

unsigned HighestController(const DomainDef& def, DiskBus bus, bool& any) {
  unsigned highest = 0;
  for (auto& disk : def.disks) {
    if (disk->bus != bus || disk->info.address.type != AddressType::kDrive) continue;
    any = true;
    highest = std::max(highest, disk->info.address.drive.controller);
  }
  return highest;
}

// Controllers from 0 up to the highest that a device asks for. No board has place for more than so many.
void EnsureControllers(DomainDef& def, ControllerType type, unsigned highest, ControllerModel model = ControllerModel::kDefault) {
  constexpr unsigned kMost = 1024;
  if (highest >= kMost) throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "No more available PCI slots");
  for (unsigned i = 0; i <= highest; ++i) EnsureController(def, type, i, model);
}

void AddForDisks(DomainDef& def, ControllerType type, DiskBus bus) {
  bool any = false;
  unsigned highest = HighestController(def, bus, any);
  if (any) EnsureControllers(def, type, highest);
}

void AddForSerial(DomainDef& def, const Chardev& chardev) {
  unsigned index = 0;
  if (chardev.info.address.type == AddressType::kVirtioSerial) index = chardev.info.address.virtio_serial.controller;
  EnsureController(def, ControllerType::kVirtioSerial, index);
}

}  // namespace

void AddScsiForHostdevs(DomainDef& def) {
  std::optional<unsigned> highest;
  ControllerModel model = ControllerModel::kDefault;  // of one that may be full
  for (auto& hostdev : def.hostdevs) {
    if (hostdev->mode != HostdevMode::kSubsystem || hostdev->type != HostdevType::kScsi) continue;
    const Address& address = hostdev->info.address;
    unsigned index = address.type == AddressType::kDrive ? address.drive.controller : 0;
    if (highest && index <= *highest) continue;
    highest = index;
    auto* controller = FindController(def, ControllerType::kScsi, index);
    if (controller && controller->model != ControllerModel::kDefault) model = controller->model;
  }
  if (highest) EnsureControllers(def, ControllerType::kScsi, *highest, model);
}

void AddBoardDevices(DomainDef& def, const QemuCaps& caps, const QemuConfig& config) {
  if (def.os.machine != "isapc" && !FindController(def, ControllerType::kUsb, 0)) AddUsb(def, DefaultUsbModel(def, caps));
  if (IsQ35(def)) EnsureController(def, ControllerType::kSata, 0);
  if (IsI440fx(def)) EnsurePciRoot(def, ControllerModel::kPciRoot);
  if (IsQ35(def)) EnsurePciRoot(def, ControllerModel::kPcieRoot);
  if (!def.memballoon) def.memballoon = std::make_unique<Memballoon>();
  if (IsX86(def)) {
    EnsureInput(def, InputType::kMouse);
    EnsureInput(def, InputType::kKeyboard);
  }
  AddDefaultAudio(def, config);
}

void MatchConsoleWithSerial(DomainDef& def) {
  if (def.os.type != OsType::kHvm) return;
  bool serial_console = !def.consoles.empty() && (def.consoles[0]->console_target == ConsoleTarget::kNone ||
                                                  def.consoles[0]->console_target == ConsoleTarget::kSerial);
  if (serial_console) {
    Chardev& console = *def.consoles[0];
    console.console_target = ConsoleTarget::kSerial;
    if (def.serials.empty()) {
      auto serial = std::make_unique<Chardev>();
      serial->kind = ChardevKind::kSerial;
      serial->source = console.source;
      serial->info = console.info;
      serial->port = console.port.value_or(0);
      def.serials.push_back(std::move(serial));
    }
  } else if (!def.serials.empty()) {
    switch (def.serials[0]->serial_target) {
      case SerialTarget::kUsb:
      case SerialTarget::kPci:
      case SerialTarget::kIsaDebug: return;
      default: break;
    }
    auto console = std::make_unique<Chardev>();
    console->kind = ChardevKind::kConsole;
    console->console_target = ConsoleTarget::kSerial;
    def.consoles.insert(def.consoles.begin(), std::move(console));
  } else {
    return;
  }
  // The console is the serial port under another name.
  Chardev& console = *def.consoles[0];
  const Chardev& serial = *def.serials[0];
  console.source = serial.source;
  console.port = serial.port.value_or(0);
  console.info = serial.info;
}

void AddImplicitVideo(DomainDef& def) {
  if (def.graphics.empty() || !def.videos.empty()) return;
  def.videos.push_back(std::make_unique<Video>());
}

void AddImplicitControllers(DomainDef& def) {
  AddForDisks(def, ControllerType::kScsi, DiskBus::kScsi);
  AddForDisks(def, ControllerType::kFdc, DiskBus::kFdc);
  AddForDisks(def, ControllerType::kIde, DiskBus::kIde);
  AddForDisks(def, ControllerType::kSata, DiskBus::kSata);
  AddScsiForHostdevs(def);
  for (auto& channel : def.channels) {
    if (channel->channel_target == ChannelTarget::kVirtio) AddForSerial(def, *channel);
  }
  for (auto& console : def.consoles) {
    if (console->console_target == ConsoleTarget::kVirtio) AddForSerial(def, *console);
  }
  for (auto& smartcard : def.smartcards) {
    unsigned index = smartcard->info.address.type == AddressType::kCcid ? smartcard->info.address.ccid.controller : 0;
    EnsureController(def, ControllerType::kCcid, index);
  }
}

}  // namespace bv::qemu
