#pragma once

// The functions of GnuTLS that we use, loaded when a daemon first needs them.

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

namespace bv {

#define BV_GNUTLS_FUNCTIONS(X)          \
  X(certificate_allocate_credentials)   \
  X(certificate_free_credentials)       \
  X(certificate_get_peers)              \
  X(certificate_get_trust_list)         \
  X(certificate_get_x509_crt)           \
  X(certificate_server_set_request)     \
  X(certificate_set_x509_crl_file)      \
  X(certificate_set_x509_key_file)      \
  X(certificate_set_x509_trust_file)    \
  X(certificate_verification_status_print) \
  X(certificate_verify_peers)           \
  X(cipher_get)                         \
  X(cipher_get_key_size)                \
  X(credentials_set)                    \
  X(deinit)                             \
  X(error_is_fatal)                     \
  X(handshake)                          \
  X(init)                               \
  X(priority_set_direct)                \
  X(record_check_pending)               \
  X(record_get_direction)               \
  X(record_recv)                        \
  X(record_send)                        \
  X(strerror)                           \
  X(transport_set_int2)                 \
  X(x509_crt_deinit)                    \
  X(x509_crt_get_ca_status)             \
  X(x509_crt_get_dn)                    \
  X(x509_crt_get_key_purpose_oid)       \
  X(x509_crt_import)                    \
  X(x509_crt_init)                      \
  X(x509_trust_list_verify_crt2)

struct GnuTls {
#define BV_DECLARE(name) decltype(&gnutls_##name) name;
  BV_GNUTLS_FUNCTIONS(BV_DECLARE)
#undef BV_DECLARE
  void (*free)(void*);

  // Throws kConfigUnsupported when the library is not there.
  static const GnuTls& Load();
};

}  // namespace bv
