#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qemu/command_line/arguments.h"

namespace bv::qemu {

// Recorded command lines are kept one option with its value a line, JSON with sorted keys, and with
// @PLACEHOLDERS@ where a daemon makes a value up. These bring ours into the same form.

// Our command line in that form (the environment first, without what every process inherits).
std::vector<std::string> RecordedForm(const CommandLine& line);

// Does `ours` match the recorded `expected`, in which @NAME@ stands for anything within a word?
bool MatchesRecorded(std::string_view expected, std::string_view ours);

// Lines that differ, as "-expected" and "+ours"; empty when all match.
std::vector<std::string> DiffRecorded(const std::vector<std::string>& expected, const std::vector<std::string>& ours);

}  // namespace bv::qemu
