#include "qemu/migration/peer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "daemon/remote_client.h"
#include "protocol/remote.h"
#include "qemu/driver.h"
#include "rpc/client.h"

namespace bv::qemu {
namespace {

using Cookie = xdr::Opaque<remote::kMigrateCookieMax>;
using remote::proc::DomainMigrateFinish3Params;
using remote::proc::DomainMigratePrepare3Params;
using remote::proc::DomainMigratePrepareTunnel3Params;

constexpr std::size_t kPiece = 256 << 10;

Task<bool> Supports(std::shared_ptr<rpc::Client> peer, int feature) {
  remote::ConnectSupportsFeatureArgs args;
  args.feature = feature;
  auto answer = co_await peer->Call<remote::proc::ConnectSupportsFeature>(args);
  co_return answer.supported != 0;
}

Task<> CheckPeer(std::shared_ptr<rpc::Client> peer, MigrationOptions options) {
  constexpr int kOffline = 12, kParams = 13;
  if (!co_await Supports(peer, kParams))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "destination libvirt does not support peer-to-peer migration with parameters");
  if (options.Has(migrate::kOffline) && !co_await Supports(peer, kOffline))
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, "offline migration is not supported by the destination host");
}

// The way of a guest's memory through our connection to the destination: what QEMU writes into its end of a pair of
// sockets goes into the stream.
struct Tunnel {
  std::shared_ptr<rpc::ClientStream> stream;
  Fd ours;
  Event ended;
  std::exception_ptr failure;
};

Task<> Pump(std::shared_ptr<Tunnel> tunnel) {
  std::vector<std::uint8_t> buffer(kPiece);
  try {
    for (;;) {
      ssize_t got = read(tunnel->ours.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EAGAIN) {
        co_await Readable(tunnel->ours.get());
        continue;
      }
      if (got <= 0) break;
      std::span<const std::uint8_t> piece(buffer.data(), static_cast<std::size_t>(got));
      if (!co_await tunnel->stream->Write(piece)) break;
    }
    co_await tunnel->stream->Finish();
  } catch (...) {
    tunnel->failure = std::current_exception();
  }
  tunnel->ours.Reset();  // QEMU sees it when the destination takes no more
  tunnel->ended.Set();
}

unsigned FlagsForPeer(unsigned flags) { return flags & ~unsigned{migrate::kChangeProtection | migrate::kAbortOnError | migrate::kAutoConverge}; }

}  // namespace

Task<> MigrateToPeer(QemuDriver* driver, MigrationSource* source, DomainPtr domain, std::string uri, MigrationOptions options,
                     const char* api) {
  (void)driver;
  const bool tunnelled = options.Has(migrate::kTunnelled);
  auto peer = co_await OpenRemoteUri(std::move(uri), driver->environment());
  co_await CheckPeer(peer, options);
  options.flags |= migrate::kChangeProtection;
  if (domain->state() == State::kPaused) options.flags |= migrate::kPaused;
  const std::weak_ptr<rpc::ClientSession> nobody;
  auto begun = co_await source->Begin(domain, options, nobody, api);
  options.xml = begun.xml;
  // Its silence, too, ends the connection; then there is nobody to send to.
  auto lost = std::make_shared<bool>(false);
  std::weak_ptr<Domain> weak = domain;
  peer->OnClose([weak, lost] {
    *lost = true;
    auto domain = weak.lock();
    if (!domain || !domain->migration || domain->migration->incoming) return;
    domain->migration->abort = true;
    if (domain->guest) domain->guest->changed.Pulse();
  });

  std::exception_ptr failure;
  bool prepared = false, runs_there = false;
  std::string cookie = begun.cookie, name = options.name.value_or(domain->name());
  std::shared_ptr<Tunnel> tunnel;
  std::shared_ptr<Fd> carrier;
  try {
    if (tunnelled) {
      remote::DomainMigratePrepareTunnel3ParamsArgs args;
      args.params = FormatMigrationOptions(options);
      args.cookie_in = Cookie(cookie);
      args.flags = FlagsForPeer(options.flags);
      tunnel = std::make_shared<Tunnel>();
      tunnel->stream = co_await peer->OpenStream<DomainMigratePrepareTunnel3Params>(args);
      cookie.clear();
      int pair[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw SystemError(ErrorDomain::kQemu, "cannot create a pair of sockets");
      tunnel->ours.Reset(pair[0]);
      fcntl(pair[0], F_SETFL, O_NONBLOCK);
      carrier = std::make_shared<Fd>(pair[1]);
      Spawn(Pump(tunnel), "tunnelled migration");
    } else {
      remote::DomainMigratePrepare3ParamsArgs args;
      args.params = FormatMigrationOptions(options);
      args.cookie_in = Cookie(cookie);
      args.flags = FlagsForPeer(options.flags);
      auto answer = co_await peer->Call<DomainMigratePrepare3Params>(args);
      cookie = answer.cookie_out.text();
      if (answer.uri_out) options.uri = answer.uri_out;
      if (!options.uri && !options.Has(migrate::kOffline))
        throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "domainMigratePrepare3 did not set uri");
    }
    prepared = true;
    cookie = co_await source->Perform(domain, options, cookie, nobody, std::move(carrier), api);
    if (tunnel) {
      co_await tunnel->ended.Wait();
      if (tunnel->failure) std::rethrow_exception(tunnel->failure);
    }
  } catch (...) {
    failure = std::current_exception();
  }

  if (prepared && peer->connected()) {
    remote::DomainMigrateFinish3ParamsArgs args;
    MigrationOptions last = options;
    last.name = name;
    args.params = FormatMigrationOptions(last);
    args.cookie_in = Cookie(failure ? std::string() : cookie);
    args.flags = FlagsForPeer(options.flags);
    args.cancelled = failure ? 1 : 0;
    try {
      auto answer = co_await peer->Call<DomainMigrateFinish3Params>(args);
      cookie = answer.cookie_out.text();
      runs_there = !failure;
    } catch (const Error&) {
      if (!failure) failure = std::current_exception();
    }
  }
  // Sending that failed has ended the job already.
  if (!runs_there) cookie.clear();
  if (domain->migration) co_await source->Confirm(domain, options, cookie, !runs_there);
  const bool was_lost = *lost;
  peer->Close();
  if (was_lost && !runs_there) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "Lost connection to destination host");
  if (failure) std::rethrow_exception(failure);
}

}  // namespace bv::qemu
