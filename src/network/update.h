#pragma once

#include <string>

#include "model/network.h"

namespace bv::network {

// virNetworkUpdate(): changes one part of a definition. `command`, `section` and `parent` are the public numbers;
// `xml` is the part. Throws with domain kNetwork and leaves `def` in an unknown state: give it a copy.
void UpdateDefinition(model::NetworkDef& def, unsigned command, unsigned section, int parent, const std::string& xml);

// What has to follow a change of a section of a network that runs.
enum class UpdateEffect { kNone, kHosts, kServer, kRules };
UpdateEffect EffectOf(unsigned section);

}  // namespace bv::network
