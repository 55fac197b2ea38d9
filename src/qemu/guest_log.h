#pragma once

#include <string>
#include <string_view>

#include "qemu/command_line/arguments.h"
#include "qemu/taint.h"

namespace bv::qemu {

// What stands in a guest's log, /var/log/libvirt/qemu/NAME.log: for each start when, with which versions,
// environment and words QEMU was started, then what QEMU prints, then how it ended. Other tools parse
// it: the shape is libvirt's.

// "2026-11-23 07:39:58.749+0000"
std::string LogTimestamp();

// The lines of a start: "TIME: starting up libvirt version: ..., " and the command.
std::string StartBanner(const CommandLine& line, std::string_view qemu_version);

// "TIME: Domain id=1 is tainted: custom-argv"
std::string TaintLine(int id, Taint taint);

// "TIME: shutting down, reason=destroyed"
std::string EndLine(std::string_view reason);

// What of QEMU's output says why it ended, at most the last 1024 bytes; for the error of a start that failed.
std::string LastWords(std::string_view output);

}  // namespace bv::qemu
