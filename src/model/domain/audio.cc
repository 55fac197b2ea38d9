#include "model/domain/audio.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// Streams do not know their backend; which of the attributes a backend has is in the table below.
using S = AudioStream;
enum : unsigned {
  kDev = 1 << 0,
  kBufferCount = 1 << 1,
  kJack = 1 << 2,
  kTryPoll = 1 << 3,
  kPulse = 1 << 4,
};
constexpr unsigned Abilities(AudioType type) {
  switch (type) {
    case AudioType::kAlsa: return kDev;
    case AudioType::kCoreaudio:
    case AudioType::kSdl: return kBufferCount;
    case AudioType::kJack: return kJack;
    case AudioType::kOss: return kDev | kBufferCount | kTryPoll;
    case AudioType::kPulseaudio: return kPulse;
    default: return 0;
  }
}

constexpr RowOf<S> kSettingsRows[] = {
    Attr<&S::frequency>("frequency").NonZero(),
    Attr<&S::channels>("channels").NonZero(),
    Attr<&S::format>("format").NonZero(),
};
bool HasSettings(const S& s) { return s.fixed_settings == YesNo::kYes; }
constexpr RowOf<S> kStreamRows[] = {
    Attr<&S::mixing_engine>("mixingEngine"),
    Attr<&S::fixed_settings>("fixedSettings"),
    Attr<&S::voices>("voices").NonZero(),
    Attr<&S::buffer_length>("bufferLength").NonZero(),
    Attr<&S::dev>("dev"),
    Attr<&S::buffer_count>("bufferCount"),
    Attr<&S::server_name>("serverName"),
    Attr<&S::client_name>("clientName"),
    Attr<&S::connect_ports>("connectPorts"),
    Attr<&S::exact_name>("exactName"),
    Attr<&S::try_poll>("tryPoll"),
    Attr<&S::name>("name"),
    Attr<&S::stream_name>("streamName"),
    Attr<&S::latency>("latency"),
    Group("settings", kSettingsRows).Always().WhenWriting<&HasSettings>(),
};
constexpr Description<S> kStream{kStreamRows};

void KeepOnly(S& s, unsigned abilities) {
  if (!(abilities & kDev)) s.dev.clear();
  if (!(abilities & kBufferCount)) s.buffer_count = 0;
  if (!(abilities & kJack)) {
    s.server_name.clear();
    s.client_name.clear();
    s.connect_ports.clear();
    s.exact_name = YesNo::kAbsent;
  }
  if (!(abilities & kTryPoll)) s.try_poll = YesNo::kAbsent;
  if (!(abilities & kPulse)) {
    s.name.clear();
    s.stream_name.clear();
    s.latency = 0;
  }
}

template <AudioType T>
bool Is(const Audio& a) {
  return a.type == T;
}

constexpr RowOf<Audio> kRows[] = {
    Attr<&Audio::id>("id").Required().NonZero(),
    Attr<&Audio::type>("type").Required(),
    Attr<&Audio::timer_period>("timerPeriod").NonZero(),
    Attr<&Audio::try_mmap>("tryMMap").When<&Is<AudioType::kOss>>(),
    Attr<&Audio::exclusive>("exclusive").When<&Is<AudioType::kOss>>(),
    Attr<&Audio::dsp_policy>("dspPolicy").When<&Is<AudioType::kOss>>(),
    Attr<&Audio::server_name>("serverName").When<&Is<AudioType::kPulseaudio>>(),
    Attr<&Audio::sdl_driver>("driver").NonZero().When<&Is<AudioType::kSdl>>(),
    Attr<&Audio::path>("path").When<&Is<AudioType::kFile>>(),
    Child<&Audio::input>("input", kStream),
    Child<&Audio::output>("output", kStream),
};

void CheckAudio(Parser&, Audio& a, const xml::Node&) {
  KeepOnly(a.input, Abilities(a.type));
  KeepOnly(a.output, Abilities(a.type));
}

}  // namespace

constinit const Description<Audio> kAudio = Describe<&CheckAudio>(kRows);

}  // namespace bv::model
