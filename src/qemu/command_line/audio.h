#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// -audiodev for each <audio>, and SDL's choice of driver in the environment.
void AddAudio(const Context& context, CommandLine* out);
Props DescribeAudio(const model::Audio& audio);

// Sound cards, with their codecs.
void AddSounds(const Context& context, CommandLine* out);
Props DescribeSound(const model::Sound& sound, const Context& context);

}  // namespace bv::qemu
