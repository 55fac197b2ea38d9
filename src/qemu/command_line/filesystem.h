#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// Shared directories: 9p over -fsdev, virtiofs over the socket of its daemon.
void AddFilesystem(const model::Filesystem& fs, const Context& context, CommandLine* out);
void AddFilesystems(const Context& context, CommandLine* out);
Props DescribeFilesystem(const model::Filesystem& fs, const Context& context);
// The socket on which virtiofsd listens: the one given, else in the guest's directory.
std::string VirtiofsSocket(const model::Filesystem& fs, const std::string& guest_dir);

}  // namespace bv::qemu
