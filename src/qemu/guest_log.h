#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "qemu/command_line/arguments.h"

namespace bv::qemu {

// A guest's log, /var/log/libvirt/qemu/NAME.log: for each start when, with which versions, environment and words
// QEMU was started, then what QEMU prints, then how it ended. Other tools parse it: the shape is
// libvirt's. The functions block; small appends to a local file.

// "2026-11-23 07:39:58.749+0000"
std::string LogTimestamp();

// Opens the log for appending, made when missing, readable by root only.
Fd OpenGuestLog(const std::string& path);
// The size so far: where a run's own output begins.
std::uint64_t GuestLogSize(int fd);

void WriteGuestLog(int fd, std::string_view text);

// The lines of a start: "TIME: starting up libvirt version: ..., " and the command.
std::string StartBanner(const CommandLine& line, std::string_view qemu_version);

// What stands in the log after `offset`, without our own lines and at most the last 1024 bytes; for the error
// of a start that failed.
std::string GuestLogTail(const std::string& path, std::uint64_t offset);

}  // namespace bv::qemu
