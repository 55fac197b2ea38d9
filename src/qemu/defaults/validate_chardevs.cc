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
      {SerialTarget::kSystem, SerialModel::kPl011, AddressType::kNone},
      {SerialTarget::kSystem, SerialModel::k16550a, AddressType::kNone},
      {SerialTarget::kIsaDebug, SerialModel::kIsaDebugcon, AddressType::kIsa},
      {SerialTarget::kSclp, SerialModel::kSclpConsole, AddressType::kNone},
  };
  const AddressType place = serial.info.address.type;
  for (auto& rule : kRules) {
    const bool fixed = rule.address != AddressType::kNone;
    if (serial.serial_target == rule.target && fixed && place != AddressType::kNone && place != rule.address) {
      if (rule.target == SerialTarget::kUsb) Nonsense("usb-serial requires address of usb type");
      Unsupported(fmt::format("Target type '{}' requires address type '{}'", ToString(rule.target), ToString(rule.address)));
    }
    if (serial.serial_model == rule.model && serial.serial_target != rule.target) {
      Unsupported(fmt::format("Target model '{}' requires target type '{}'", ToString(rule.model), ToString(rule.target)));
    }
  }
}

// What libvirt refuses of audio backends' settings.
void AudioSettings(const DomainDef& def) {
  for (auto& audio : def.audios) {
    for (const AudioStream* stream : {&audio->input, &audio->output}) {
      const bool settings = stream->frequency || stream->channels || stream->format != AudioFormat::kDefault;
      if (settings && stream->fixed_settings != YesNo::kYes) Nonsense("audio settings specified without fixed settings flag");
      if (stream->fixed_settings == YesNo::kYes && stream->mixing_engine != YesNo::kYes) {
        Nonsense("fixed audio settings requires mixing engine");
      }
    }
  }
  for (auto& graphics : def.graphics) {
    if (graphics->type != GraphicsType::kDbus || !graphics->audio_id.value_or(0)) continue;
    for (auto& audio : def.audios) {
      if (audio->id == *graphics->audio_id && audio->type != AudioType::kDbus) Unsupported("The associated audio is not of 'dbus' kind.");
    }
  }
}

void Consoles(const DomainDef& def) {
  for (std::size_t i = 0; i < def.consoles.size(); ++i) {
    const Chardev& console = *def.consoles[i];
    if (i > 0 && console.console_target == ConsoleTarget::kSerial) Nonsense("Only the first console can be a serial port");
    switch (console.console_target) {
      case ConsoleTarget::kXen:
      case ConsoleTarget::kUml:
      case ConsoleTarget::kLxc:
      case ConsoleTarget::kOpenvz:
        Unsupported(fmt::format("unsupported console target type {}", ToString(console.console_target)));
      default: break;
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
    unsigned id = graphics->type == GraphicsType::kVnc ? graphics->audio_id.value_or(0) : 0;
    if (id && !known(id)) BadXml(fmt::format("no audio device with ID {}", id));
  }
  const bool spice = std::ranges::any_of(def.graphics, [](auto& g) { return g->type == GraphicsType::kSpice; });
  for (auto& audio : def.audios) {
    if (audio->type == AudioType::kSpice && !spice) Unsupported("Spice audio is not supported without spice graphics");
  }
}

void Chardevs(const DomainDef& def, const QemuCaps& caps) {
  for (auto& card : def.smartcards) NeedsSpice(def, card->passthrough);
  for (auto& serial : def.serials) {
    NeedsSpice(def, serial->source);
    SerialPlace(*serial);
  }
  for (auto& channel : def.channels) NeedsSpice(def, channel->source);
  for (auto& rng : def.rngs) {
    if (rng->backend == RngBackend::kEgd) NeedsSpice(def, rng->source);
  }
  for (auto& redirdev : def.redirdevs) NeedsSpice(def, redirdev->source);
  for (auto& console : def.consoles) {
    const char* device = console->console_target == ConsoleTarget::kSclp     ? "sclpconsole"
                         : console->console_target == ConsoleTarget::kSclpLm ? "sclplmconsole"
                                                                             : nullptr;
    if (device && !caps.HasDevice(device)) Unsupported(fmt::format("{} is not supported in this QEMU binary", device));
  }
  for (auto& channel : def.channels) {
    if (channel->source.listen && channel->source.reconnect.enabled == YesNo::kYes) {
      throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "chardev reconnect is possible only for connect mode");
    }
  }
  Consoles(def);
  AudioSettings(def);
  InputBuses(def);
}

}  // namespace bv::qemu::validate
