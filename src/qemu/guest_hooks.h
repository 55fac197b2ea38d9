#pragma once

#include <string>

#include "base/task.h"

namespace bv::qemu {

class Domain;

// The administrator's scripts about guests (daemon/hooks.h), which get the guest's definition. Called by the driver at its start:
// those that are there then are the ones that are called.
void LookForGuestHooks();

// At the beginning of something, which is off when one fails: throws kHookScriptFailed (domain kHook).
Task<> RunGuestHooks(const Domain& domain, std::string operation);
// What they make of a definition that a guest is about to start with.
Task<std::string> FilterByGuestHooks(std::string name, std::string operation, std::string xml);

// At the end of a guest. Its definition, as they get it, is kept while it still has one.
std::string DefinitionForHooks(const Domain& domain);
Task<> TellGuestHooks(std::string name, std::string operation, std::string definition);

}  // namespace bv::qemu
