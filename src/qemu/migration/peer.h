#pragma once

#include <string>

#include "qemu/migration/source.h"

namespace bv::qemu {

// A migration that the source makes by itself, as the client of the destination at `uri`. With kTunnelled the guest
// goes over that connection, too. Returns when the guest runs there; throws what went wrong, and then it runs here.
Task<> MigrateToPeer(QemuDriver* driver, MigrationSource* source, DomainPtr domain, std::string uri, MigrationOptions options,
                     const char* api);

}  // namespace bv::qemu
