#include "qemu/command_line/audio.h"

#include "qemu/command_line/device.h"

namespace bv::qemu {

using namespace model;

namespace {

const char* BackendName(AudioType type) {
  switch (type) {
    case AudioType::kPulseaudio:
      return "pa";
    case AudioType::kFile:
      return "wav";
    default:
      return ToString(type).data();
  }
}

// One direction. Members that do not belong to the back end are never set by the parser.
Props DescribeStream(const AudioStream& stream, AudioType type) {
  Props props;
  props.Add("mixing-engine", stream.mixing_engine).Add("fixed-settings", stream.fixed_settings);
  props.AddSet("voices", stream.voices).AddSet("buffer-length", stream.buffer_length);
  props.AddSet("frequency", stream.frequency).AddSet("channels", stream.channels);
  if (stream.format != AudioFormat::kDefault) props.Add("format", ToString(stream.format));
  switch (type) {
    case AudioType::kAlsa:
      props.AddSet("dev", stream.dev);
      break;
    case AudioType::kCoreaudio:
    case AudioType::kSdl:
      props.AddSet("buffer-count", stream.buffer_count);
      break;
    case AudioType::kJack:
      props.AddSet("server-name", stream.server_name).AddSet("client-name", stream.client_name);
      props.AddSet("connect-ports", stream.connect_ports).Add("exact-name", stream.exact_name);
      break;
    case AudioType::kOss:
      props.AddSet("dev", stream.dev).AddSet("buffer-count", stream.buffer_count).Add("try-poll", stream.try_poll);
      break;
    case AudioType::kPulseaudio:
      props.AddSet("name", stream.name).AddSet("stream-name", stream.stream_name).AddSet("latency", stream.latency);
      break;
    default:
      break;
  }
  return props;
}

// The back end that a card uses: the one it names, else the guest's first.
std::string AudioOf(const Sound& sound, const DomainDef& def) {
  for (auto& audio : def.audios) {
    if (sound.audio_id == 0 || audio->id == sound.audio_id) return fmt::format("audio{}", audio->id);
  }
  throw Internal("unable to find audio backend for sound device");
}

const char* SoundDriver(SoundModel model) {
  switch (model) {
    case SoundModel::kEs1370:
      return "ES1370";
    case SoundModel::kAc97:
      return "AC97";
    case SoundModel::kIch6:
      return "intel-hda";
    case SoundModel::kIch9:
      return "ich9-intel-hda";
    case SoundModel::kUsb:
      return "usb-audio";
    case SoundModel::kSb16:
      return "sb16";
    default:
      throw Unsupported("sound card model '{}' is not supported by qemu", ToString(model));
  }
}

bool IsHda(SoundModel model) { return model == SoundModel::kIch6 || model == SoundModel::kIch9; }

Props DescribeCodec(const Sound& sound, SoundCodec codec, unsigned number, const Context& context) {
  Props props = Props::Device(fmt::format("hda-{}", ToString(codec)));
  props.Add("id", fmt::format("{}-codec{}", sound.info.alias, number)).Add("bus", sound.info.alias + ".0").Add("cad", number);
  return props.Add("audiodev", AudioOf(sound, context.def));
}

}  // namespace

Props DescribeAudio(const Audio& audio) {
  Props props;
  props.Add("id", fmt::format("audio{}", audio.id)).Add("driver", BackendName(audio.type));
  props.AddSet("timer-period", audio.timer_period);
  switch (audio.type) {
    case AudioType::kOss:
      props.Add("try-mmap", audio.try_mmap).Add("exclusive", audio.exclusive).Add("dsp-policy", audio.dsp_policy);
      break;
    case AudioType::kPulseaudio:
      props.AddSet("server", audio.server_name);
      break;
    case AudioType::kFile:
      props.AddSet("path", audio.path);
      break;
    default:
      break;
  }
  if (Props in = DescribeStream(audio.input, audio.type); !in.empty()) props.Add("in", in);
  if (Props out = DescribeStream(audio.output, audio.type); !out.empty()) props.Add("out", out);
  return props;
}

void AddAudio(const Context& context, CommandLine* out) {
  for (auto& audio : context.def.audios) {
    if (audio->type == AudioType::kSdl && audio->sdl_driver != SdlAudioDriver::kDefault) {
      out->environment.emplace_back("SDL_AUDIODRIVER", ToString(audio->sdl_driver));
    }
    out->Option("-audiodev", DescribeAudio(*audio).Dump());
  }
}

Props DescribeSound(const Sound& sound, const Context& context) {
  Props props = Props::Device(SoundDriver(sound.model)).Add("id", sound.info.alias);
  // An HDA controller is silent, its codecs have the sound.
  if (!IsHda(sound.model)) props.Add("audiodev", AudioOf(sound, context.def));
  AddAddress(&props, sound.info, context);
  return props;
}

void AddSounds(const Context& context, CommandLine* out) {
  for (auto& sound : context.def.sounds) {
    if (sound->model == SoundModel::kPcspk) {
      out->Option("-soundhw", "pcspk");
      continue;
    }
    AddDevice(DescribeSound(*sound, context), sound->info, context, out);
    if (!IsHda(sound->model)) continue;
    unsigned number = 0;
    for (auto& codec : sound->codecs) out->Device(DescribeCodec(*sound, codec.type, number++, context));
    if (number == 0) out->Device(DescribeCodec(*sound, SoundCodec::kDuplex, 0, context));
  }
}

}  // namespace bv::qemu
