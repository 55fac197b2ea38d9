#include "proxy/link.h"

#include <algorithm>

#include "base/log.h"
#include "daemon/companion.h"
#include "protocol/remote.h"

namespace bv {

namespace {

// Queued for one side, above which the other side is not read.
constexpr std::size_t kWindow = 1 << 20;
constexpr std::uint32_t kOpenReadOnly = 1;  // VIR_CONNECT_RO

Error Lost() { return Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "client socket is closed"); }

// What the daemon is told about our client; it trusts us as it trusts root.
remote::ConnectSetIdentityArgs Describe(const rpc::Identity& identity) {
  remote::ConnectSetIdentityArgs args;
  auto add = [&](const char* field, TypedParamValue value) { args.params.push_back({field, std::move(value)}); };
  auto add_text = [&](const char* field, const std::string& text) {
    if (!text.empty()) add(field, text);
  };
  add_text("user-name", identity.user_name);
  add_text("group-name", identity.group_name);
  add_text("sasl-user-name", identity.sasl_user);
  add_text("x509-distinguished-name", identity.x509_dname);
  add_text("selinux-context", identity.selinux_context);
  add_text("system.token", identity.system_token);
  if (identity.uid) add("unix-user-id", std::uint64_t{*identity.uid});
  if (identity.gid) add("unix-group-id", std::uint64_t{*identity.gid});
  if (identity.pid) add("process-id", std::int64_t{*identity.pid});
  if (identity.pid_start_time) add("process-time", std::uint64_t{*identity.pid_start_time});
  return args;
}

std::shared_ptr<rpc::ServerSession> Lock(const std::weak_ptr<rpc::ClientSession>& session) {
  auto locked = std::static_pointer_cast<rpc::ServerSession>(session.lock());
  return locked && locked->connected() ? locked : nullptr;
}

}  // namespace

Link::Link(std::shared_ptr<rpc::ServerSession> session, std::string path, std::string start)
    : session_(std::move(session)), path_(std::move(path)), start_(std::move(start)) {}

Link::~Link() {
  if (client_) client_->OnClose(nullptr), client_->Close();
}

Task<> Link::Open(std::string uri, bool readonly) {
  auto self = shared_from_this();
  try {
    auto session = Lock(session_);
    if (!session) throw Lost();
    // A user's own proxy starts what is not there; the system's leaves that to socket activation.
    std::shared_ptr<rpc::Client> client;  // g++ 12 destroys what is awaited in a conditional expression twice
    if (start_.empty()) {
      client = co_await rpc::Client::Connect(path_);
    } else {
      Companion daemon{start_, path_, false};
      client = co_await Connect(daemon);
    }
    client_ = client;
    co_await client->Call<remote::proc::AuthList>();
    remote::ConnectOpenArgs open;
    open.name = std::move(uri);
    open.flags = readonly ? kOpenReadOnly : 0;
    co_await client->Call<remote::proc::ConnectOpen>(open);
    remote::ConnectSetIdentityArgs identity = Describe(session->identity());
    co_await client->Call<remote::proc::ConnectSetIdentity>(identity);
    if (lost_) throw Lost();
  } catch (const Error& error) {
    lost_ = true;
    failure_ = error;
    FailCalls(error);
    throw;
  }
  StartForwarding();
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    rpc::Frame frame{.header = waiting.header, .payload = waiting.payload, .fds = std::move(waiting.fds)};
    Forward(frame);
  }
}

std::optional<rpc::SavedConnection> Link::Save() const {
  if (!open_ || lost_) return std::nullopt;
  return client_->SaveConnection();
}

void Link::Restore(std::optional<rpc::SavedConnection> saved) {
  if (!saved) {
    lost_ = true;
    return;
  }
  client_ = rpc::Client::Restore(std::move(*saved));
  StartForwarding();
}

void Link::StartForwarding() {
  client_->PassThrough([this](rpc::Frame& frame) { OnFrame(frame); });
  client_->set_on_room([this] { OnBackendRoom(); });
  client_->OnClose([this] {
    auto self = shared_from_this();
    lost_ = true;
    FailCalls(Lost());
    if (on_lost_) std::exchange(on_lost_, nullptr)();
  });
  open_ = true;
}

// --- from the client -----------------------------------------------------------------------------

void Link::SendCall(rpc::Frame& frame) {
  calls_.push_back(frame.header);
  if (lost_) return FailCalls(failure_.value_or(Lost()));
  if (open_) return Forward(frame);
  waiting_.push_back({frame.header, {frame.payload.begin(), frame.payload.end()}, std::move(frame.fds)});
}

void Link::SendPacket(rpc::Frame& frame) {
  if (open_ && !lost_) Forward(frame);
}

void Link::Forward(rpc::Frame& frame) {
  if (frame.header.type == rpc::MessageType::kCallWithFds && frame.fds.empty()) {
    frame.header.type = rpc::MessageType::kCall;
  }
  client_->SendFrame(frame);
  if (client_->queued() > kWindow) HoldClient(true);
}

void Link::OnBackendRoom() {
  auto self = shared_from_this();
  if (client_->queued() < kWindow / 2) HoldClient(false);
}

void Link::HoldClient(bool hold) {
  if (hold == client_held_) return;
  client_held_ = hold;
  if (auto session = Lock(session_)) session->HoldInput(hold ? +1 : -1);
}

// --- from the daemon -----------------------------------------------------------------------------

void Link::OnFrame(rpc::Frame& frame) {
  auto self = shared_from_this();
  auto session = Lock(session_);
  if (!session) return;
  rpc::Header header = frame.header;
  session->SendFrame(frame);
  if (header.type == rpc::MessageType::kReply || header.type == rpc::MessageType::kReplyWithFds) EndCall(header);
  if (session->queued() > kWindow) HoldBackend(true);
}

void Link::OnClientRoom() {
  auto session = Lock(session_);
  if (session && session->queued() < kWindow / 2) HoldBackend(false);
}

void Link::HoldBackend(bool hold) {
  if (hold == backend_held_) return;
  backend_held_ = hold;
  client_->HoldInput(hold ? +1 : -1);
}

void Link::EndCall(const rpc::Header& header) {
  auto call = std::ranges::find(calls_, header.serial, &rpc::Header::serial);
  if (call == calls_.end()) return;  // the error of a hole comes as a second reply
  calls_.erase(call);
  if (auto session = session_.lock()) std::static_pointer_cast<rpc::ServerSession>(session)->ForwardedCallEnded();
}

void Link::FailCalls(const Error& error) {
  auto session = std::static_pointer_cast<rpc::ServerSession>(session_.lock());
  waiting_.clear();
  HoldClient(false);
  for (const rpc::Header& header : std::exchange(calls_, {})) {
    if (!session) continue;
    session->SendCallError(header, error);
    session->ForwardedCallEnded();
  }
}

void Link::Close() {
  auto self = shared_from_this();
  lost_ = true;
  on_lost_ = nullptr;
  if (client_) client_->Close();
  FailCalls(Lost());
}

}  // namespace bv
