// The state file of a live upgrade with the members that drivers have in it: refused, or the same after writing and
// reading once more.
#include <cstdlib>

#include "base/error.h"
#include "lockd/lock_state.h"
#include "logd/log_state.h"
#include "upgrade/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bv;
  try {
    upgrade::SavedDaemon daemon = upgrade::Parse({reinterpret_cast<const char*>(data), size});
    std::string once = upgrade::Format(daemon);
    if (upgrade::Format(upgrade::Parse(once)) != once) abort();
    for (const auto& server : daemon.servers) {
      for (const auto& client : server.clients) lockd::ParseOwner(client.private_data);
    }
    lockd::ParseSpaces(daemon.document);
    logd::ParseLogs(daemon.document);
  } catch (const Error&) {
  }
  return 0;
}
