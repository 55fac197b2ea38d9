#include "daemon/tls_settings.h"

#include "base/error.h"
#include "base/files.h"

namespace bv {

namespace {

[[noreturn]] void Missing(const char* what) { throw Error(ErrorDomain::kRpc, ErrorCode::kConfigUnsupported, what); }

CertificatePaths Configured(const DaemonConfig& config) {
  if (!config.ca_file) Missing("No CA certificate path set to match server key/cert");
  if (!config.cert_file) Missing("No server certificate path set to match server key");
  if (!config.key_file) Missing("No server key path set to match server cert");
  return {*config.ca_file, "", *config.cert_file, *config.key_file};
}

CertificatePaths Found(const DaemonPaths& paths) {
  CertificatePaths found = paths.certificates;
  const CertificatePaths& system = paths.system_certificates;
  if (!FileExists(found.ca)) found.ca = system.ca;
  if (!FileExists(found.crl)) found.crl = system.crl;
  // One is of no use without the other.
  if (!FileExists(found.certificate) || !FileExists(found.key)) {
    found.certificate = system.certificate;
    found.key = system.key;
  }
  return found;
}

}  // namespace

TlsServerSettings TlsSettingsOf(const DaemonConfig& config, const DaemonPaths& paths) {
  bool configured = config.ca_file || config.cert_file || config.key_file;
  CertificatePaths certificates = configured ? Configured(config) : Found(paths);
  TlsServerSettings settings{.ca_file = certificates.ca,
                             .cert_file = certificates.certificate,
                             .key_file = certificates.key,
                             .crl_file = config.crl_file.value_or(certificates.crl),
                             .crl_required = config.crl_file.has_value(),
                             .check_own = !config.tls_no_sanity_certificate,
                             .verify_clients = !config.tls_no_verify_certificate,
                             .allowed_names = config.tls_allowed_dn_list};
  if (config.tls_priority) settings.priority = *config.tls_priority;
  return settings;
}

}  // namespace bv
