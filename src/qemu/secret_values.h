#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>

#include "base/task.h"
#include "qemu/command_line/build.h"

namespace bv::qemu {

// From the secret driver, of this daemon or another. Throws kNoSecret (domain kSecret).
Task<std::string> SecretValue(SecretLookup lookup);

// What a build throws that asks for a secret whose value is not known yet. Never leaves BuildWithSecrets.
struct SecretNeeded {
  SecretLookup lookup;
};

// Runs `build`, which uses `options`, with the values of the secrets that it asks for. Since they may come from another
// daemon and a build cannot wait, it is run again for every one: it must have no effect before it has returned.
// What `build` and `options` refer to must stay until the task has ended.
template <typename Build>
Task<std::invoke_result_t<Build>> BuildWithSecrets(BuildOptions& options, Build build) {
  std::map<SecretLookup, std::string> known;
  options.secret_value = [&known](const SecretLookup& lookup) {
    auto found = known.find(lookup);
    if (found == known.end()) throw SecretNeeded{lookup};
    return found->second;
  };
  for (;;) {
    SecretLookup wanted;
    try {
      co_return build();
    } catch (const SecretNeeded& needed) {
      wanted = needed.lookup;
    }
    known[wanted] = co_await SecretValue(wanted);
  }
}

}  // namespace bv::qemu
