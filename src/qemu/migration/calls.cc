#include "qemu/migration/calls.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/error.h"
#include "base/wait.h"
#include "qemu/driver.h"
#include "qemu/migration/peer.h"

namespace bv::qemu {
namespace {

using Cookie = xdr::Opaque<remote::kMigrateCookieMax>;

std::string TextOf(const Cookie& cookie) { return std::string(cookie.text()); }

// What the calls without parameters can say.
MigrationOptions Plain(unsigned flags, const std::optional<std::string>& name, std::uint64_t bandwidth, const char* function) {
  MigrationOptions options = ReadMigrationOptions({}, flags, function);
  options.name = name;
  options.bandwidth = bandwidth;
  return options;
}

void RefuseTunnel(const MigrationOptions& options) {
  if (options.Has(migrate::kTunnelled))
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "a tunnelled migration needs a call with a stream");
}

void RefusePeer(const std::optional<std::string>& connection) {
  if (connection)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "only a peer-to-peer migration has a destination URI");
}

constexpr std::size_t kBuffer = 1 << 20;

// What comes through the stream goes into QEMU's end of a pair of sockets.
Task<> Pour(rpc::StreamPtr stream, std::shared_ptr<Fd> into) {
  for (;;) {
    auto chunk = co_await stream->Read();
    if (chunk.kind == rpc::ServerStream::Chunk::Kind::kFinish) {
      stream->Finish();
      co_return;
    }
    if (chunk.kind != rpc::ServerStream::Chunk::Kind::kData) co_return;
    for (std::size_t done = 0; done < chunk.data.size();) {
      auto put = send(into->get(), chunk.data.data() + done, chunk.data.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put < 0 && errno == EAGAIN) {
        co_await Writable(into->get());
      } else if (put < 0) {
        stream->Fail(SystemError(ErrorDomain::kStreams, "cannot write to the guest that comes in"));
        co_return;
      } else {
        done += static_cast<std::size_t>(put);
      }
    }
  }
}

}  // namespace

Task<> MigrationCalls::ToPeer(DomainPtr domain, std::optional<std::string> connection, MigrationOptions options, const char* api) {
  if (!connection) throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "peer2peer migration without the destination's URI");
  co_await MigrateToPeer(driver_, &source_, domain, *connection, std::move(options), api);
}

Task<std::string> MigrationCalls::PrepareTunnel(Call& call, MigrationOptions options, std::string cookie, const char* api) {
  if (!options.Has(migrate::kTunnelled))
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "a call with a stream is for tunnelled migrations");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw SystemError(ErrorDomain::kQemu, "cannot create a pair of sockets");
  auto ours = std::make_shared<Fd>(pair[0]), theirs = std::make_shared<Fd>(pair[1]);
  int size = kBuffer;
  setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  auto prepared = co_await destination_.Prepare(std::move(options), std::move(cookie), call.client().weak_from_this(), std::move(theirs), api);
  Spawn(Pour(call.OpenStream(), ours), "incoming tunnelled migration");
  co_return prepared.cookie;
}

Task<remote::DomainMigratePrepareTunnel3Ret> MigrationCalls::DomainMigratePrepareTunnel3(Call& call, remote::DomainMigratePrepareTunnel3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, args.resource, "qemuDomainMigratePrepareTunnel3");
  options.xml = args.dom_xml;
  auto cookie = co_await PrepareTunnel(call, std::move(options), TextOf(args.cookie_in), "remoteDispatchDomainMigratePrepareTunnel3");
  remote::DomainMigratePrepareTunnel3Ret ret;
  ret.cookie_out = Cookie(cookie);
  co_return ret;
}

Task<remote::DomainMigratePrepareTunnel3ParamsRet> MigrationCalls::DomainMigratePrepareTunnel3Params(
    Call& call, remote::DomainMigratePrepareTunnel3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigratePrepareTunnel3Params");
  auto cookie = co_await PrepareTunnel(call, std::move(options), TextOf(args.cookie_in), "remoteDispatchDomainMigratePrepareTunnel3Params");
  remote::DomainMigratePrepareTunnel3ParamsRet ret;
  ret.cookie_out = Cookie(cookie);
  co_return ret;
}

void MigrationCalls::Register(Service& service) {
#define BV_REGISTER(NAME) service.On<remote::proc::NAME>(this, &MigrationCalls::NAME);
  BV_MIGRATION_CALLS(BV_REGISTER)
#undef BV_REGISTER
}

Task<> MigrationCalls::Recover(DomainPtr domain) {
  if (!domain->guest) co_return;
  if (domain->guest->cut_off_in) {
    co_await destination_.Recover(domain);
  } else if (domain->guest->cut_off_out) {
    co_await source_.Recover(domain);
  }
}

Task<> MigrationCalls::DomainMigrateStartPostCopy(Call&, remote::DomainMigrateStartPostCopyArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMigrateStartPostCopy");
  auto domain = co_await driver_->Get(args.dom);
  RequireActive(*domain);
  const bool leaving = domain->migration && !domain->migration->incoming;
  // Migrations that could go over to it are refused at their begin.
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid,
              leaving ? "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag"
                      : "post-copy can only be started while outgoing migration is in progress");
}

// --- version 3 with parameters -------------------------------------------------------------------

Task<remote::DomainMigrateBegin3ParamsRet> MigrationCalls::DomainMigrateBegin3Params(Call& call, remote::DomainMigrateBegin3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigrateBegin3Params");
  auto domain = co_await driver_->Get(args.dom);
  auto begun = co_await source_.Begin(domain, std::move(options), call.client().weak_from_this(), "remoteDispatchDomainMigrateBegin3Params");
  remote::DomainMigrateBegin3ParamsRet ret;
  ret.cookie_out = Cookie(begun.cookie);
  ret.xml = std::move(begun.xml);
  co_return ret;
}

Task<remote::DomainMigratePrepare3ParamsRet> MigrationCalls::DomainMigratePrepare3Params(Call& call, remote::DomainMigratePrepare3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigratePrepare3Params");
  RefuseTunnel(options);
  auto prepared = co_await destination_.Prepare(std::move(options), TextOf(args.cookie_in), call.client().weak_from_this(), nullptr,
                                                "remoteDispatchDomainMigratePrepare3Params");
  remote::DomainMigratePrepare3ParamsRet ret;
  ret.cookie_out = Cookie(prepared.cookie);
  ret.uri_out = std::move(prepared.uri);
  co_return ret;
}

Task<remote::DomainMigratePerform3ParamsRet> MigrationCalls::DomainMigratePerform3Params(Call& call, remote::DomainMigratePerform3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigratePerform3Params");
  auto domain = co_await driver_->Get(args.dom);
  remote::DomainMigratePerform3ParamsRet ret;
  if (options.Has(migrate::kPeerToPeer)) {
    co_await ToPeer(domain, args.dconnuri, std::move(options), "remoteDispatchDomainMigratePerform3Params");
    co_return ret;
  }
  RefusePeer(args.dconnuri);
  auto cookie = co_await source_.Perform(domain, std::move(options), TextOf(args.cookie_in), call.client().weak_from_this(), nullptr,
                                         "remoteDispatchDomainMigratePerform3Params");
  ret.cookie_out = Cookie(cookie);
  co_return ret;
}

Task<remote::DomainMigrateFinish3ParamsRet> MigrationCalls::DomainMigrateFinish3Params(Call& call, remote::DomainMigrateFinish3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigrateFinish3Params");
  if (!options.name) throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "missing domain name");
  auto name = *options.name;
  auto finished = co_await destination_.Finish(name, std::move(options), TextOf(args.cookie_in), args.cancelled != 0, call.client().weak_from_this());
  remote::DomainMigrateFinish3ParamsRet ret;
  ret.dom = finished.domain->Ref();
  ret.cookie_out = Cookie(finished.cookie);
  co_return ret;
}

Task<> MigrationCalls::DomainMigrateConfirm3Params(Call&, remote::DomainMigrateConfirm3ParamsArgs args) {
  auto options = ReadMigrationOptions(args.params, args.flags, "qemuDomainMigrateConfirm3Params");
  auto domain = co_await driver_->Get(args.dom);
  co_await source_.Confirm(domain, std::move(options), TextOf(args.cookie_in), args.cancelled != 0);
}

// --- version 3 -----------------------------------------------------------------------------------

Task<remote::DomainMigrateBegin3Ret> MigrationCalls::DomainMigrateBegin3(Call& call, remote::DomainMigrateBegin3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, args.resource, "qemuDomainMigrateBegin3");
  options.xml = args.xmlin;
  auto domain = co_await driver_->Get(args.dom);
  auto begun = co_await source_.Begin(domain, std::move(options), call.client().weak_from_this(), "remoteDispatchDomainMigrateBegin3");
  remote::DomainMigrateBegin3Ret ret;
  ret.cookie_out = Cookie(begun.cookie);
  ret.xml = std::move(begun.xml);
  co_return ret;
}

Task<remote::DomainMigratePrepare3Ret> MigrationCalls::DomainMigratePrepare3(Call& call, remote::DomainMigratePrepare3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, args.resource, "qemuDomainMigratePrepare3");
  RefuseTunnel(options);
  options.xml = args.dom_xml;
  options.uri = args.uri_in;
  auto prepared = co_await destination_.Prepare(std::move(options), TextOf(args.cookie_in), call.client().weak_from_this(), nullptr,
                                                "remoteDispatchDomainMigratePrepare3");
  remote::DomainMigratePrepare3Ret ret;
  ret.cookie_out = Cookie(prepared.cookie);
  ret.uri_out = std::move(prepared.uri);
  co_return ret;
}

Task<remote::DomainMigratePerform3Ret> MigrationCalls::DomainMigratePerform3(Call& call, remote::DomainMigratePerform3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, args.resource, "qemuDomainMigratePerform3");
  options.xml = args.xmlin;
  options.uri = args.uri;
  auto domain = co_await driver_->Get(args.dom);
  remote::DomainMigratePerform3Ret ret;
  if (options.Has(migrate::kPeerToPeer)) {
    co_await ToPeer(domain, args.dconnuri, std::move(options), "remoteDispatchDomainMigratePerform3");
    co_return ret;
  }
  RefusePeer(args.dconnuri);
  auto cookie = co_await source_.Perform(domain, std::move(options), TextOf(args.cookie_in), call.client().weak_from_this(), nullptr,
                                         "remoteDispatchDomainMigratePerform3");
  ret.cookie_out = Cookie(cookie);
  co_return ret;
}

Task<remote::DomainMigrateFinish3Ret> MigrationCalls::DomainMigrateFinish3(Call& call, remote::DomainMigrateFinish3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, 0, "qemuDomainMigrateFinish3");
  auto finished = co_await destination_.Finish(args.dname, std::move(options), TextOf(args.cookie_in), args.cancelled != 0, call.client().weak_from_this());
  remote::DomainMigrateFinish3Ret ret;
  ret.dom = finished.domain->Ref();
  ret.cookie_out = Cookie(finished.cookie);
  co_return ret;
}

Task<> MigrationCalls::DomainMigrateConfirm3(Call&, remote::DomainMigrateConfirm3Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), std::nullopt, 0, "qemuDomainMigrateConfirm3");
  auto domain = co_await driver_->Get(args.dom);
  co_await source_.Confirm(domain, std::move(options), TextOf(args.cookie_in), args.cancelled != 0);
}

// --- version 2: the source is done with the guest when it has sent it ------------------------------

Task<remote::DomainMigratePrepare2Ret> MigrationCalls::DomainMigratePrepare2(Call& call, remote::DomainMigratePrepare2Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, args.resource, "qemuDomainMigratePrepare2");
  RefuseTunnel(options);
  options.xml = args.dom_xml;
  options.uri = args.uri_in;
  const std::string no_cookie;
  auto prepared = co_await destination_.Prepare(std::move(options), no_cookie, call.client().weak_from_this(), nullptr,
                                                "remoteDispatchDomainMigratePrepare2");
  remote::DomainMigratePrepare2Ret ret;
  ret.uri_out = std::move(prepared.uri);
  co_return ret;
}

Task<> MigrationCalls::DomainMigratePerform(Call& call, remote::DomainMigratePerformArgs args) {
  auto options = Plain(static_cast<unsigned>(args.flags) & ~unsigned{migrate::kChangeProtection}, args.dname, args.resource, "qemuDomainMigratePerform");
  auto domain = co_await driver_->Get(args.dom);
  if (options.Has(migrate::kPeerToPeer)) {
    co_await ToPeer(domain, args.uri, std::move(options), "remoteDispatchDomainMigratePerform");
    co_return;
  }
  options.uri = args.uri;
  co_await source_.Perform(domain, options, TextOf(args.cookie), call.client().weak_from_this(), nullptr, "remoteDispatchDomainMigratePerform");
  const std::string no_cookie;
  co_await source_.Confirm(domain, options, no_cookie, false);
}

Task<remote::DomainMigrateFinish2Ret> MigrationCalls::DomainMigrateFinish2(Call& call, remote::DomainMigrateFinish2Args args) {
  auto options = Plain(static_cast<unsigned>(args.flags), args.dname, 0, "qemuDomainMigrateFinish2");
  const std::string no_cookie;
  auto finished = co_await destination_.Finish(args.dname, std::move(options), no_cookie, args.retcode != 0, call.client().weak_from_this());
  co_return remote::DomainMigrateFinish2Ret{finished.domain->Ref()};
}

}  // namespace bv::qemu
