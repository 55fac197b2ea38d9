#include "qemu/command_line/tls.h"

namespace bv::qemu {

std::string TlsAlias(std::string_view alias) { return fmt::format("obj{}_tls0", alias); }

void AddTlsCredentials(const std::string& id, const std::string& directory, bool server, bool verify,
                       const std::string& secret_uuid, const Context& context, CommandLine* out) {
  Props credentials = Props::Object("tls-creds-x509", id);
  credentials.Add("dir", directory).Add("endpoint", server ? "server" : "client").Add("verify-peer", verify);
  if (!secret_uuid.empty()) {
    std::string secret = fmt::format("{}-secret0", id);
    out->Object(EncryptedSecretObject(secret, context.options.secret_value({.uuid = secret_uuid}), context.options.master_key));
    credentials.Add("passwordid", secret);
  }
  out->Object(credentials);
}

}  // namespace bv::qemu
