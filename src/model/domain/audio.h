#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/value.h"

// <audio>: where the guest's sound goes on the host.
namespace bv::model {

enum class AudioType : std::uint8_t { kNone, kAlsa, kCoreaudio, kJack, kOss, kPulseaudio, kSdl, kSpice, kFile, kDbus };
template <>
struct Spelling<AudioType> {
  static constexpr const char* kNames[] = {"none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus"};
};
enum class AudioFormat : std::uint8_t { kDefault, kS8, kU8, kS16, kU16, kS32, kU32, kF32 };
template <>
struct Spelling<AudioFormat> {
  static constexpr const char* kNames[] = {"", "s8", "u8", "s16", "u16", "s32", "u32", "f32"};
};
enum class SdlAudioDriver : std::uint8_t { kDefault, kEsd, kAlsa, kArts, kPulseaudio };
template <>
struct Spelling<SdlAudioDriver> {
  static constexpr const char* kNames[] = {"", "esd", "alsa", "arts", "pulseaudio"};
};

// <input> or <output>; the members after `format` belong to some backends only.
struct AudioStream {
  YesNo mixing_engine = YesNo::kAbsent, fixed_settings = YesNo::kAbsent;
  unsigned voices = 0, buffer_length = 0;  // buffer: microseconds
  unsigned frequency = 0, channels = 0;
  AudioFormat format = AudioFormat::kDefault;
  std::string dev;                           // alsa, oss
  unsigned buffer_count = 0;                 // coreaudio, oss, sdl
  std::string server_name, client_name, connect_ports;  // jack
  YesNo exact_name = YesNo::kAbsent;
  YesNo try_poll = YesNo::kAbsent;           // oss
  std::string name, stream_name;             // pulseaudio
  unsigned latency = 0;
};

struct Audio {
  unsigned id = 0;
  AudioType type = AudioType::kNone;
  unsigned timer_period = 0;  // microseconds
  AudioStream input, output;
  YesNo try_mmap = YesNo::kAbsent, exclusive = YesNo::kAbsent;  // oss
  std::optional<int> dsp_policy;
  std::string server_name;                                   // pulseaudio
  SdlAudioDriver sdl_driver = SdlAudioDriver::kDefault;
  std::string path;                                          // file
};

}  // namespace bv::model
