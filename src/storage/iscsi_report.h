#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bv::storage {

// What iscsiadm(8) prints.

// "tcp: [6] 10.0.0.1:3260,1 iqn.2020-01.x:disk (non-flash)": the number of the session with a target, or nothing.
std::string FindSession(std::string_view sessions, std::string_view target);
// "default tcp,<empty>,<empty>,<empty>,iqn.2020-01.x:me": the name of the interface with an initiator, or nothing.
std::string FindInterface(std::string_view interfaces, std::string_view initiator);
// "10.0.0.1:3260,1 iqn.2020-01.x:disk": the targets.
std::vector<std::string> ReadTargets(std::string_view targets);

}  // namespace bv::storage
