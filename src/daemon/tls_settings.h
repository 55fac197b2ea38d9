#pragma once

#include "daemon/config.h"
#include "daemon/paths.h"
#include "daemon/tls.h"

namespace bv {

// Which certificates a daemon shows and trusts, and how strictly. Without any in the configuration they are the user's
// own, as far as they are there, and else the system's. Looks at files. Throws kConfigUnsupported when the configuration
// names some of CA, certificate and key without the others.
TlsServerSettings TlsSettingsOf(const DaemonConfig& config, const DaemonPaths& paths);

}  // namespace bv
