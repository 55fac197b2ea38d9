#pragma once

#include <string>

namespace bv::host {

// This machine's name, in full if the resolver knows it so. May wait for a name server: call it through
// Offload().
std::string HostName();

}  // namespace bv::host
