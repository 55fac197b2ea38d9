#pragma once

#include <string>

#include "base/task.h"
#include "network/network.h"

namespace bv::network {

// The administrator's scripts about networks (daemon/hooks.h), which get the network and, where it is about one, the port.
// Called by the driver at its start: those that are there then are the ones that are called.
void LookForNetworkHooks();

// Throws kHookScriptFailed (domain kHook) when one fails.
Task<> RunNetworkHooks(std::string operation, model::NetworkDef def, const model::NetworkPortDef* port = nullptr);
// The same at the end of something, where a failure changes nothing any more.
Task<> TellNetworkHooks(std::string operation, std::string sub_operation, model::NetworkDef def, const model::NetworkPortDef* port = nullptr);

}  // namespace bv::network
