#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// -vnc, -spice, -display and what belongs to them.
void AddGraphics(const Context& context, CommandLine* out);

// A video card; nothing for model 'none'. Throws kConfigUnsupported for what QEMU does not have.
void AddVideos(const Context& context, CommandLine* out);
Props DescribeVideo(const model::Video& video, const Context& context);

}  // namespace bv::qemu
