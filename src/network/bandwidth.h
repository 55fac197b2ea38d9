#pragma once

#include <string>

#include "base/task.h"
#include "model/net_common.h"

namespace bv::network {

// How much goes through a bridge, by tc. kInternalError (domain kNone) with what that says.
Task<> ShapeBridge(std::string bridge, model::Bandwidth bandwidth);
Task<> UnshapeBridge(std::string bridge);

}  // namespace bv::network
