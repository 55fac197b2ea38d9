#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "rpc/transport.h"

namespace bv {

struct TlsServerSettings {
  std::string ca_file, cert_file, key_file;
  std::string crl_file;
  bool crl_required = false;     // the default file is used when it is there
  bool check_own = true;         // tls_no_sanity_certificate
  bool verify_clients = true;    // tls_no_verify_certificate
  std::optional<std::vector<std::string>> allowed_names;
  std::string priority = "NORMAL";
};

// What the handshake told about a client.
struct TlsPeer {
  std::string distinguished_name;
  int key_bits = 0;  // of the cipher
};

struct TlsCredentials;

// The certificates that a daemon shows and trusts. Loading reads files and does sums: at start-up, or
// through Offload(). GnuTLS is loaded with the first of these.
class TlsContext {
 public:
  // Throws kSystemError or kInternalError (domain kRpc) that names the file and what is wrong with it.
  static std::shared_ptr<const TlsContext> Load(const TlsServerSettings& settings);
  ~TlsContext();

  // TLS over `socket`. The handshake goes on as the transport is read. A client whose certificate is
  // refused is disconnected and the reason logged; for one that is taken `on_peer` is called before
  // its first message. Existing transports outlive the context.
  static std::unique_ptr<rpc::Transport> MakeTransport(std::shared_ptr<const TlsContext> context, Fd socket,
                                                       std::function<void(const TlsPeer&)> on_peer);

  const TlsCredentials& credentials() const { return *credentials_; }

 private:
  explicit TlsContext(std::unique_ptr<TlsCredentials> credentials);
  std::unique_ptr<TlsCredentials> credentials_;
};

}  // namespace bv
