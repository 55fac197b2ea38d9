#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bv::audit {

// Records of what happens to guests, for the host's audit system (audit_level) and the log (audit_logging). Off until Open().

enum class Kind : std::uint16_t { kControl = 2500, kResource = 2501, kMachineId = 2502 };  // the kernel's message types

// `level` is 0 for the log alone, 1 for hosts with an audit system and 2 for no others: throws kSystemError there.
void Open(unsigned level, bool logging);

// In the order of the calls. Does not wait; what the kernel does not take is lost.
void Record(Kind kind, bool success, std::string text);

// NAME="VALUE", or in hexadecimal digits what could be taken for something else.
std::string Field(std::string_view name, std::string_view value);

// What is said of a record to the kernel.
std::string Message(const std::string& text, bool success, const std::string& executable);

}  // namespace bv::audit
