#include "daemon/tls.h"

#ifdef BV_WITH_GNUTLS

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "daemon/library.h"
#include "daemon/tls_credentials.h"

namespace bv {

namespace {

constexpr char kLog[] = "rpc.nettlscontext";

[[noreturn]] void Fail(const std::string& what) {
  throw Error(ErrorDomain::kRpc, ErrorCode::kSystemError, what);
}

void CheckReadable(const char* what, const std::string& path) {
  if (access(path.c_str(), R_OK) < 0) {
    throw SystemError(ErrorDomain::kRpc, fmt::format("Cannot read {} '{}'", what, path));
  }
}

std::string Describe(const GnuTls& lib, unsigned status) {
  gnutls_datum_t text{};
  if (lib.certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0) return "unknown reason";
  std::string description(reinterpret_cast<char*>(text.data), text.size);
  lib.free(text.data);
  return description;
}

bool PurposeIsCritical(const GnuTls& lib, gnutls_x509_crt_t certificate) {
  char purpose[128];
  std::size_t size = sizeof purpose;
  unsigned critical = 0;
  return lib.x509_crt_get_key_purpose_oid(certificate, 0, purpose, &size, &critical) >= 0 && critical;
}

// Our own certificate must be one that a client would take: in time, for a server, signed by the
// authority we name.
void CheckOwnCertificate(const GnuTls& lib, gnutls_certificate_credentials_t credentials, const TlsServerSettings& settings) {
  gnutls_x509_crt_t* chain = nullptr;
  unsigned count = 0;
  if (lib.certificate_get_x509_crt(credentials, 0, &chain, &count) < 0 || count == 0) {
    Fail(fmt::format("no certificate in '{}'", settings.cert_file));
  }
  gnutls_x509_trust_list_t trusted = nullptr;
  lib.certificate_get_trust_list(credentials, &trusted);
  char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
  gnutls_typed_vdata_st data{GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose), 0};
  unsigned status = 0, critical = 0;
  auto verify = [&](unsigned data_count) {
    return lib.x509_trust_list_verify_crt2(trusted, chain, count, &data, data_count, 0, &status, nullptr);
  };
  int failed = verify(1);
  // Clients take a purpose that does not fit for a hint unless it is marked as critical.
  if (failed >= 0 && (status & GNUTLS_CERT_PURPOSE_MISMATCH) && !PurposeIsCritical(lib, chain[0])) {
    LogWarn(kLog, "Certificate {} purpose does not allow use for with a TLS server", settings.cert_file);
    failed = verify(0);
  }
  bool is_authority = lib.x509_crt_get_ca_status(chain[0], &critical) > 0;
  for (unsigned i = 0; i < count; ++i) lib.x509_crt_deinit(chain[i]);
  lib.free(chain);
  if (failed < 0) Fail(fmt::format("cannot verify the server certificate '{}': {}", settings.cert_file, lib.strerror(failed)));
  if (status != 0) {
    Fail(fmt::format("Our own certificate {} failed validation against {}: {}", settings.cert_file, settings.ca_file,
                     Describe(lib, status)));
  }
  if (is_authority) {
    Fail(fmt::format("The certificate {} basic constraints show a CA, but we need one for a server", settings.cert_file));
  }
}

}  // namespace

const GnuTls& GnuTls::Load() {
  static const GnuTls* loaded = []() -> const GnuTls* {
    static GnuTls lib;
    Library library("libgnutls.so.30");
#define BV_FIND(name) library.Find("gnutls_" #name, lib.name);
    BV_GNUTLS_FUNCTIONS(BV_FIND)
#undef BV_FIND
    // A variable that holds the function.
    gnutls_free_function* free_function = nullptr;
    library.Find("gnutls_free", free_function);
    if (!library.complete()) return nullptr;
    lib.free = *free_function;
    return &lib;
  }();
  if (!loaded) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kConfigUnsupported, "TLS needs GnuTLS (libgnutls.so.30), which is not there");
  }
  return *loaded;
}

TlsCredentials::~TlsCredentials() { lib.certificate_free_credentials(handle); }

TlsContext::TlsContext(std::unique_ptr<TlsCredentials> credentials) : credentials_(std::move(credentials)) {}
TlsContext::~TlsContext() = default;

std::shared_ptr<const TlsContext> TlsContext::Load(const TlsServerSettings& settings) {
  CheckReadable("CA certificate", settings.ca_file);
  CheckReadable("server certificate", settings.cert_file);
  CheckReadable("server private key", settings.key_file);
  bool has_crl = settings.crl_required || FileExists(settings.crl_file);
  if (has_crl) CheckReadable("certificate revocation list", settings.crl_file);

  const GnuTls& lib = GnuTls::Load();
  auto credentials = std::make_unique<TlsCredentials>(lib, settings);
  auto handle = credentials->handle;
  int failed = lib.certificate_set_x509_trust_file(handle, settings.ca_file.c_str(), GNUTLS_X509_FMT_PEM);
  if (failed < 0) Fail(fmt::format("Unable to set x509 CA certificate: {}: {}", settings.ca_file, lib.strerror(failed)));
  if (has_crl) {
    failed = lib.certificate_set_x509_crl_file(handle, settings.crl_file.c_str(), GNUTLS_X509_FMT_PEM);
    if (failed < 0) {
      Fail(fmt::format("Unable to set x509 certificate revocation list: {}: {}", settings.crl_file, lib.strerror(failed)));
    }
  }
  failed = lib.certificate_set_x509_key_file(handle, settings.cert_file.c_str(), settings.key_file.c_str(),
                                             GNUTLS_X509_FMT_PEM);
  if (failed < 0) {
    Fail(fmt::format("Unable to set x509 key and certificate: {}, {}: {}", settings.key_file, settings.cert_file,
                     lib.strerror(failed)));
  }
  if (settings.check_own) CheckOwnCertificate(lib, handle, settings);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(credentials)));
}

}  // namespace bv

#else

#include "base/error.h"

namespace bv {

struct TlsCredentials {};
TlsContext::TlsContext(std::unique_ptr<TlsCredentials>) {}
TlsContext::~TlsContext() = default;
std::shared_ptr<const TlsContext> TlsContext::Load(const TlsServerSettings&) {
  throw Error(ErrorDomain::kRpc, ErrorCode::kConfigUnsupported, "this build has no TLS");
}
std::unique_ptr<rpc::Transport> TlsContext::MakeTransport(std::shared_ptr<const TlsContext>, Fd,
                                                          std::function<void(const TlsPeer&)>) {
  return nullptr;
}

}  // namespace bv

#endif
