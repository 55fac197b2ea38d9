#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

// What is handed to SPICE's clients needs a display of that kind.
void NeedsSpice(const DomainDef& def, const ChardevSource& source) {
  if (source.type != ChardevType::kSpicevmc && source.type != ChardevType::kSpiceport) return;
  bool spice = std::ranges::any_of(def.graphics, [](auto& g) { return g->type == GraphicsType::kSpice; });
  if (!spice) Unsupported(fmt::format("chardev '{}' not supported without spice graphics", ToString(source.type)));
}

void SerialPlace(const Chardev& serial) {
  struct Rule {
    SerialTarget target;
    SerialModel model;
    AddressType address;
  };
  constexpr Rule kRules[] = {
      {SerialTarget::kIsa, SerialModel::kIsa, AddressType::kIsa},
      {SerialTarget::kUsb, SerialModel::kUsb, AddressType::kUsb},
      {SerialTarget::kPci, SerialModel::kPci, AddressType::kPci},
      {SerialTarget::kSpaprVio, SerialModel::kSpaprVty, AddressType::kSpaprVio},
  };
  const AddressType place = serial.info.address.type;
  for (auto& rule : kRules) {
    if (serial.serial_target == rule.target && place != AddressType::kNone && place != rule.address) {
      if (rule.target == SerialTarget::kUsb) Nonsense("usb-serial requires address of usb type");
      Unsupported(fmt::format("Target type '{}' requires address type '{}'", ToString(rule.target), ToString(rule.address)));
    }
    if (serial.serial_model == rule.model && serial.serial_target != rule.target) {
      Unsupported(fmt::format("Target model '{}' requires target type '{}'", ToString(rule.model), ToString(rule.target)));
    }
  }
}

void AudioIds(const DomainDef& def) {
  auto known = [&](unsigned id) { return std::ranges::any_of(def.audios, [&](auto& audio) { return audio->id == id; }); };
  for (std::size_t i = 0; i < def.audios.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (def.audios[i]->id == def.audios[j]->id) BadXml(fmt::format("audio ID {} is used multiple times", def.audios[i]->id));
    }
  }
  for (auto& sound : def.sounds) {
    if (sound->audio_id && !known(sound->audio_id)) BadXml(fmt::format("no audio device with ID {}", sound->audio_id));
  }
  for (auto& graphics : def.graphics) {
    if (graphics->audio_id.value_or(0) && !known(*graphics->audio_id)) {
      BadXml(fmt::format("no audio device with ID {}", *graphics->audio_id));
    }
  }
}

void InputBuses(const DomainDef& def) {
  auto refuse = [](std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, std::move(text)); };
  for (auto& input : def.inputs) {
    if (input->bus == InputBus::kPs2 && input->type != InputType::kMouse && input->type != InputType::kKeyboard) {
      refuse(fmt::format("ps2 bus does not support {} input device", ToString(input->type)));
    }
    if (input->bus == InputBus::kXen || input->bus == InputBus::kParallels) {
      refuse(fmt::format("unsupported input bus {}", ToString(input->bus)));
    }
  }
}

}  // namespace

void Chardevs(const DomainDef& def, const QemuCaps& caps) {
  for (auto& card : def.smartcards) NeedsSpice(def, card->passthrough);
  for (auto& serial : def.serials) {
    NeedsSpice(def, serial->source);
    SerialPlace(*serial);
  }
  for (auto& channel : def.channels) NeedsSpice(def, channel->source);
  for (auto& redirdev : def.redirdevs) NeedsSpice(def, redirdev->source);
  for (auto& console : def.consoles) {
    const char* device = console->console_target == ConsoleTarget::kSclp     ? "sclpconsole"
                         : console->console_target == ConsoleTarget::kSclpLm ? "sclplmconsole"
                                                                             : nullptr;
    if (device && !caps.HasDevice(device)) Unsupported(fmt::format("{} is not supported in this QEMU binary", device));
  }
  AudioIds(def);
  InputBuses(def);
}

}  // namespace bv::qemu::validate
