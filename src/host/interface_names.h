#pragma once

#include <string>
#include <string_view>

// Names for network interfaces that a daemon makes: one of these prefixes and a number. May be called from any thread.
namespace bv::host {

inline constexpr char kTapPrefix[] = "vnet";
inline constexpr char kMacvtapPrefix[] = "macvtap";

// One that this process has not given out before and that no interface has now.
std::string NextInterfaceName(std::string_view prefix);
// Found in use at start-up: what is given out later has higher numbers. Other names are left alone.
void NoteInterfaceName(std::string_view name);

}  // namespace bv::host
