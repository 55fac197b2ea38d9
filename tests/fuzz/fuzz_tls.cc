// What a client sends before it has proved anything: bytes for the TLS layer of a listening socket, with a
// certificate asked for. It is refused or waits for more; it is never let in.
#include <dlfcn.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "base/log.h"
#include "daemon/gnutls.h"
#include "daemon/tls.h"

using namespace bv;

namespace {

template <typename Object, typename Export>
void Save(Object object, Export export_function, const std::string& path) {
  char text[8192];
  std::size_t size = sizeof text;
  if (export_function(object, GNUTLS_X509_FMT_PEM, text, &size) < 0) abort();
  WriteFileAtomic(path, std::string_view(text, size));
}

#define GNUTLS(name) reinterpret_cast<decltype(&gnutls_##name)>(dlsym(library, "gnutls_" #name))

// A key and a certificate of its own for a server, made once.
std::shared_ptr<const TlsContext> MakeContext() {
  char directory[] = "/tmp/fuzz-tls-XXXXXX";
  if (!mkdtemp(directory)) abort();
  std::string base = directory;
  void* library = dlopen("libgnutls.so.30", RTLD_NOW);
  if (!library) return nullptr;
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
  GNUTLS(x509_privkey_init)(&key);
  GNUTLS(x509_privkey_generate)(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
  GNUTLS(x509_crt_init)(&certificate);
  GNUTLS(x509_crt_set_version)(certificate, 3);
  GNUTLS(x509_crt_set_serial)(certificate, "\1", 1);
  GNUTLS(x509_crt_set_dn)(certificate, "CN=localhost", nullptr);
  GNUTLS(x509_crt_set_activation_time)(certificate, 0);
  GNUTLS(x509_crt_set_expiration_time)(certificate, 4000000000);
  GNUTLS(x509_crt_set_key)(certificate, key);
  GNUTLS(x509_crt_sign2)(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
  Save(key, GNUTLS(x509_privkey_export), base + "/key.pem");
  Save(certificate, GNUTLS(x509_crt_export), base + "/cert.pem");
  GNUTLS(x509_crt_deinit)(certificate);
  GNUTLS(x509_privkey_deinit)(key);
  auto context = TlsContext::Load({.ca_file = base + "/cert.pem", .cert_file = base + "/cert.pem", .key_file = base + "/key.pem",
                                   .crl_file = base + "/none", .check_own = false, .verify_clients = true});
  for (const char* file : {"/key.pem", "/cert.pem"}) unlink((base + file).c_str());
  rmdir(directory);
  return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Every refusal is an error in the log, and there are thousands a second here.
  static const bool quiet = (SetLogOutputs("4:file:/dev/null"), true);
  static const auto context = quiet ? MakeContext() : nullptr;
  if (!context) return 0;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) abort();
  Fd client(ends[0]);
  {
    auto transport = TlsContext::MakeTransport(context, Fd(ends[1]), [](const TlsPeer&) { abort(); });
    std::vector<Fd> fds;
    auto state = rpc::Transport::Result::kAgain;
    while (size > 0 && state == rpc::Transport::Result::kAgain) {
      ssize_t sent = send(client.get(), data, size < 4096 ? size : 4096, MSG_NOSIGNAL);
      if (sent <= 0) break;
      data += sent;
      size -= static_cast<size_t>(sent);
      uint8_t into[4096];
      size_t got = 0;
      state = transport->Read(into, got, fds);
      if (state == rpc::Transport::Result::kDone) abort();
      char answers[65536];
      while (recv(client.get(), answers, sizeof answers, MSG_DONTWAIT) > 0) {
      }
    }
  }
  return 0;
}
