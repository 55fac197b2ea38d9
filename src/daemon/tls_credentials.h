#pragma once

#include "base/error.h"
#include "daemon/gnutls.h"
#include "daemon/tls.h"

namespace bv {

// What sessions share of a TlsContext.
struct TlsCredentials {
  TlsCredentials(const GnuTls& lib, const TlsServerSettings& settings) : lib(lib), settings(settings) {
    if (lib.certificate_allocate_credentials(&handle) < 0) throw Error(ErrorDomain::kRpc, ErrorCode::kNoMemory);
  }
  ~TlsCredentials();

  const GnuTls& lib;
  TlsServerSettings settings;
  gnutls_certificate_credentials_t handle = nullptr;
};

}  // namespace bv
