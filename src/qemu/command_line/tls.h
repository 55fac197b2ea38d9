#pragma once

#include <string>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// "obj" + ALIAS + "_tls0": the object with the certificates of a character device or block node.
std::string TlsAlias(std::string_view alias);

// The tls-creds-x509 object `id`, and before it the secret that opens its key when
// `secret_uuid` names one.
void AddTlsCredentials(const std::string& id, const std::string& directory, bool server, bool verify,
                       const std::string& secret_uuid, const Context& context, CommandLine* out);

}  // namespace bv::qemu
