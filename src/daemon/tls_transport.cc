#include "daemon/tls.h"

#ifdef BV_WITH_GNUTLS

#include <fmt/core.h>
#include <sys/epoll.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "daemon/pattern.h"
#include "daemon/tls_credentials.h"

namespace bv {

namespace {

constexpr char kLog[] = "rpc.nettlscontext";
// What tells a client that its certificate was taken.
constexpr char kWelcome = '\1';
constexpr std::size_t kRecord = 16384;

class TlsTransport : public rpc::Transport {
 public:
  TlsTransport(std::shared_ptr<const TlsContext> context, Fd socket, std::function<void(const TlsPeer&)> on_peer);
  ~TlsTransport() override;

  int fd() const override { return socket_.get(); }
  std::uint32_t WantedEvents(bool want_read, bool want_write) const override;
  Result Read(std::span<std::uint8_t> into, std::size_t& got, std::vector<Fd>& fds) override;
  bool HasBuffered() const override { return state_ == State::kOpen && lib_.record_check_pending(session_) > 0; }
  Result Write(std::span<const iovec> parts, std::size_t& put) override;
  bool secure() const override { return true; }

 private:
  enum class State { kHandshake, kWelcome, kOpen };

  // Moves towards kOpen; kDone when there.
  Result Establish();
  // Throws an Error with the reason when the client may not come in.
  TlsPeer VerifyPeer() const;
  Result ResultOf(ssize_t code) const;

  std::shared_ptr<const TlsContext> context_;
  const GnuTls& lib_;
  Fd socket_;
  std::function<void(const TlsPeer&)> on_peer_;
  gnutls_session_t session_ = nullptr;
  State state_ = State::kHandshake;
  std::size_t sending_ = 0;  // bytes of a record that GnuTLS has taken and not got rid of
};

TlsTransport::TlsTransport(std::shared_ptr<const TlsContext> context, Fd socket,
                           std::function<void(const TlsPeer&)> on_peer)
    : context_(std::move(context)),
      lib_(context_->credentials().lib),
      socket_(std::move(socket)),
      on_peer_(std::move(on_peer)) {
  const TlsCredentials& credentials = context_->credentials();
  int failed = lib_.init(&session_, GNUTLS_SERVER | GNUTLS_NONBLOCK);
  if (failed >= 0) failed = lib_.priority_set_direct(session_, credentials.settings.priority.c_str(), nullptr);
  if (failed >= 0) failed = lib_.credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials.handle);
  if (failed < 0) {
    if (session_) lib_.deinit(session_);
    throw Error(ErrorDomain::kRpc, ErrorCode::kSystemError,
                fmt::format("Failed to initialize TLS session: {}", lib_.strerror(failed)));
  }
  lib_.certificate_server_set_request(session_, GNUTLS_CERT_REQUEST);
  lib_.transport_set_int2(session_, socket_.get(), socket_.get());
}

TlsTransport::~TlsTransport() { lib_.deinit(session_); }

std::uint32_t TlsTransport::WantedEvents(bool want_read, bool want_write) const {
  if (state_ != State::kOpen) {
    bool writing = lib_.record_get_direction(session_) == 1;
    return writing ? EPOLLOUT : EPOLLIN;
  }
  return (want_read ? static_cast<std::uint32_t>(EPOLLIN) : 0) | (want_write ? static_cast<std::uint32_t>(EPOLLOUT) : 0);
}

rpc::Transport::Result TlsTransport::ResultOf(ssize_t code) const {
  if (code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED) return Result::kAgain;
  if (code == 0 || code == GNUTLS_E_PREMATURE_TERMINATION) return Result::kEnd;
  if (!lib_.error_is_fatal(static_cast<int>(code))) return Result::kAgain;
  LogDebug(kLog, "TLS session ends: {}", lib_.strerror(static_cast<int>(code)));
  return Result::kError;
}

rpc::Transport::Result TlsTransport::Establish() {
  if (state_ == State::kHandshake) {
    int code = lib_.handshake(session_);
    if (code < 0) {
      Result result = ResultOf(code);
      if (result != Result::kAgain) LogError(kLog, "TLS handshake failed {}", lib_.strerror(code));
      return result;
    }
    try {
      TlsPeer peer = VerifyPeer();
      on_peer_(peer);
    } catch (const Error& e) {
      LogError(kLog, "Certificate check failed {}", e.what());
      return Result::kError;
    }
    state_ = State::kWelcome;
  }
  if (state_ == State::kWelcome) {
    ssize_t code = lib_.record_send(session_, sending_ ? nullptr : &kWelcome, sending_ ? 0 : 1);
    if (code < 0) {
      sending_ = 1;
      return ResultOf(code);
    }
    sending_ = 0;
    state_ = State::kOpen;
  }
  return Result::kDone;
}

TlsPeer TlsTransport::VerifyPeer() const {
  const TlsServerSettings& settings = context_->credentials().settings;
  auto refuse = [](const std::string& why) { throw Error(ErrorDomain::kRpc, ErrorCode::kAuthFailed, why); };
  TlsPeer peer;
  peer.key_bits = static_cast<int>(lib_.cipher_get_key_size(lib_.cipher_get(session_))) * 8;
  unsigned count = 0;
  const gnutls_datum_t* raw = lib_.certificate_get_peers(session_, &count);
  if (settings.verify_clients) {
    if (!raw) refuse("the client shows no certificate");
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st data{GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose), 0};
    unsigned status = 0;
    int failed = lib_.certificate_verify_peers(session_, &data, 1, &status);
    if (failed < 0) refuse(lib_.strerror(failed));
    if (status != 0) {
      gnutls_datum_t text{};
      lib_.certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
      std::string why(reinterpret_cast<char*>(text.data), text.size);
      lib_.free(text.data);
      refuse(why);
    }
  }
  if (!raw) return peer;

  gnutls_x509_crt_t certificate = nullptr;
  if (lib_.x509_crt_init(&certificate) < 0) refuse("out of memory");
  char name[1024];
  std::size_t size = sizeof name;
  bool parsed = lib_.x509_crt_import(certificate, &raw[0], GNUTLS_X509_FMT_DER) >= 0 &&
                lib_.x509_crt_get_dn(certificate, name, &size) >= 0;
  unsigned critical = 0;
  bool is_authority = parsed && lib_.x509_crt_get_ca_status(certificate, &critical) > 0;
  lib_.x509_crt_deinit(certificate);
  if (!parsed) refuse("the client's certificate has no usable name");
  peer.distinguished_name.assign(name, size);
  if (!settings.verify_clients) return peer;
  if (is_authority) refuse("The certificate's basic constraints show a CA, but we need one for a client");
  if (settings.allowed_names) {
    bool allowed = std::ranges::any_of(*settings.allowed_names, [&](const std::string& pattern) {
      return MatchesPattern(pattern, peer.distinguished_name);
    });
    if (!allowed) refuse(fmt::format("Client's Distinguished Name {} is not on the allowed list (tls_allowed_dn_list)", peer.distinguished_name));
  }
  return peer;
}

rpc::Transport::Result TlsTransport::Read(std::span<std::uint8_t> into, std::size_t& got, std::vector<Fd>&) {
  if (state_ != State::kOpen) {
    Result result = Establish();
    if (result != Result::kDone) return result;
  }
  ssize_t code = lib_.record_recv(session_, into.data(), into.size());
  if (code <= 0) return ResultOf(code);
  got = static_cast<std::size_t>(code);
  return Result::kDone;
}

rpc::Transport::Result TlsTransport::Write(std::span<const iovec> parts, std::size_t& put) {
  if (state_ != State::kOpen) {
    Result result = Establish();
    if (result != Result::kDone) return result;
  }
  for (const iovec& part : parts) {
    const char* data = static_cast<const char*>(part.iov_base);
    for (std::size_t sent = 0; sent < part.iov_len;) {
      // A record that could not leave at once is still GnuTLS's: it must be asked to go on with it, and
      // our caller comes back with the same bytes.
      std::size_t size = std::min(part.iov_len - sent, kRecord);
      ssize_t code = sending_ ? lib_.record_send(session_, nullptr, 0) : lib_.record_send(session_, data + sent, size);
      if (code < 0) {
        Result result = ResultOf(code);
        if (result == Result::kAgain && !sending_) sending_ = size;
        return put > 0 ? Result::kDone : result;
      }
      sending_ = 0;
      sent += static_cast<std::size_t>(code);
      put += static_cast<std::size_t>(code);
    }
  }
  return Result::kDone;
}

}  // namespace

std::unique_ptr<rpc::Transport> TlsContext::MakeTransport(std::shared_ptr<const TlsContext> context, Fd socket,
                                                          std::function<void(const TlsPeer&)> on_peer) {
  return std::make_unique<TlsTransport>(std::move(context), std::move(socket), std::move(on_peer));
}

}  // namespace bv

#endif
