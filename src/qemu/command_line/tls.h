#pragma once

#include <string>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// "obj" + alias + "_tls0": the object with a device's certificates.
std::string TlsAlias(std::string_view alias);

// The tls-creds-x509 object of `alias`, and before it the secret that opens its key when
// `secret_uuid` names one.
void AddTlsCredentials(std::string_view alias, const std::string& directory, bool server, bool verify,
                       const std::string& secret_uuid, const Context& context, CommandLine* out);

}  // namespace bv::qemu
