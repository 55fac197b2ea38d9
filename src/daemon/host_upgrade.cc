// The part of HostDaemon that hands everything to the next process image, and takes it from the last.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/pending.h"
#include "base/wait.h"
#include "daemon/background_work.h"
#include "daemon/host_daemon.h"
#include "daemon/reexec.h"
#include "daemon/tls_settings.h"

namespace bv {

namespace {

constexpr char kLog[] = "daemon";
// How long clients may have to wait for calls that are in flight; with longer ones it is tried again.
constexpr std::chrono::milliseconds kHoldLimit{1000};
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::milliseconds kLook{1};
// More than the check itself may take.
constexpr std::chrono::seconds kCheckLimit{25};
// Streams that are open for longer than this are ended: a console's would never end by itself.
constexpr std::chrono::seconds kStreamLimit{30};
constexpr std::chrono::milliseconds kFlushLimit{500};

// Where a Unix socket has its file.
std::string PathOf(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) < 0 || address.sun_family != AF_UNIX) return {};
  return address.sun_path;
}

void RequireListening(int socket) {
  int on = 0;
  socklen_t size = sizeof on;
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on) return;
  throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "a socket of the state does not listen");
}

}  // namespace

// --- leaving -------------------------------------------------------------------------------------

void HostDaemon::RequestUpgrade() {
  upgrade_wanted_ = true;
  if (serving_ && !shutting_down_ && !upgrading_) Spawn(Upgrade(), "upgrade");
}

Task<> HostDaemon::Upgrade() {
  upgrading_ = true;
  while (std::exchange(upgrade_wanted_, false)) {
    LogInfo(kLog, "upgrading to {}", Started().path);
    try {
      for (const auto& driver : drivers_) {
        if (auto* work = dynamic_cast<BackgroundWork*>(driver.get())) work->CheckReady();
      }
      bool original = co_await CheckNextImage();
      if (co_await Settle()) LeaveForNextImage(original);
    } catch (const std::exception& e) {
      LogError(kLog, "the upgrade failed, going on as before: {}", e.what());
    }
    ReleaseAll();
  }
  upgrading_ = false;
}

// Not even starting it may succeed: the child closes its copies of our files, and one of their servers may be gone.
Task<bool> HostDaemon::CheckNextImage() {
  auto check = std::make_shared<Check>();
  Spawn(RunCheck(check), "check the next image");
  bool done = co_await check->done.Wait(In(kCheckLimit));
  if (!done) throw Error(ErrorDomain::kNone, ErrorCode::kOperationTimeout, "the new image's check does not start");
  if (check->failure) std::rethrow_exception(check->failure);
  co_return check->original;
}

Task<> HostDaemon::RunCheck(std::shared_ptr<Check> check) {
  std::string copy = paths_.state_file + ".check";
  try {
    upgrade::PassedFds fds;
    WriteFileAtomic(copy, upgrade::Format(SaveAll(fds)));
    check->original = co_await CheckImage(personality_, copy);
  } catch (...) {
    check->failure = std::current_exception();
  }
  unlink(copy.c_str());
  check->done.Set();
}

// Waits for a moment in which no call runs, with the clients held meanwhile; true when it has come.
Task<bool> HostDaemon::Settle() {
  Deadline streams_end = In(kStreamLimit);
  bool said = false;
  for (;;) {
    HoldClients();
    Deadline end = In(kHoldLimit);
    while (!Settled() && Clock::now() < end && !shutting_down_) co_await Sleep(kLook);
    // What still runs in the background can be cut short, as by SIGKILL; it only had its chance.
    while (Settled() && PendingOffloads() > 0 && Clock::now() < end && !shutting_down_) co_await Sleep(kLook);
    if (shutting_down_) co_return false;
    if (Settled()) {
      co_await CloseLayered();
      bool held = co_await HoldDrivers(In(kHoldLimit));
      if (held && Settled() && !shutting_down_) co_return true;
    }
    ReleaseAll();
    if (!std::exchange(said, true)) LogInfo(kLog, "the upgrade waits for calls and streams that are under way");
    if (Clock::now() > streams_end) EndStreams();
    co_await Sleep(kRetry);
    if (shutting_down_) co_return false;
  }
}

void HostDaemon::HoldClients() {
  for (const auto& server : servers_) {
    server->StopAccepting();
    for (auto& session : server->Clients()) {
      session->HoldInput(+1);
      held_.push_back(std::move(session));
    }
  }
}

Task<bool> HostDaemon::HoldDrivers(Deadline deadline) {
  for (const auto& driver : drivers_) {
    auto* work = dynamic_cast<BackgroundWork*>(driver.get());
    if (!work) continue;
    if (!co_await work->Hold(deadline)) co_return false;
  }
  co_return true;
}

void HostDaemon::ReleaseAll() {
  for (const auto& driver : drivers_) {
    if (auto* work = dynamic_cast<BackgroundWork*>(driver.get())) work->Release();
  }
  for (const auto& session : std::exchange(held_, {})) session->HoldInput(-1);
  if (shutting_down_) return;
  for (const auto& server : servers_) server->StartAccepting();
}

bool HostDaemon::Settled() const {
  if (reloading_) return false;
  for (const auto& driver : drivers_) {
    if (!driver->Quiet()) return false;
  }
  return std::ranges::all_of(held_, [](const auto& session) { return !session->connected() || !session->busy(); });
}

void HostDaemon::EndStreams() {
  Error error(ErrorDomain::kStreams, ErrorCode::kOperationAborted, "the daemon is being upgraded");
  for (const auto& server : servers_) {
    for (const auto& session : server->Clients()) session->FailStreams(error);
  }
}

// Connections that the next image could not go on with, because their encryption is in our memory.
Task<> HostDaemon::CloseLayered() {
  bool any = false;
  for (const auto& session : held_) {
    if (!session->connected() || session->SaveConnection()) continue;
    any = true;
    session->CloseAfterFlush();
  }
  if (!any) co_return;
  auto left = [this] {
    return std::ranges::any_of(held_, [](auto& session) { return session->connected() && !session->SaveConnection(); });
  };
  for (Deadline end = In(kFlushLimit); left() && Clock::now() < end;) co_await Sleep(kLook);
  for (const auto& session : std::vector(held_)) {
    if (session->connected() && !session->SaveConnection()) session->Close();
  }
}

upgrade::SavedDaemon HostDaemon::SaveAll(upgrade::PassedFds& fds) const {
  upgrade::SavedDaemon saved{.pid = getpid(),
                             .start_time = StartTimeOf(getpid()),
                             .document = Json::Object()};
  // What was changed while we ran; the rest the next image reads in its configuration.
  if (idle_timeout_.count() != options_.timeout) saved.timeout = static_cast<std::uint32_t>(idle_timeout_.count());
  if (GetLogFilters() != configured_log_filters_) saved.log_filters = GetLogFilters();
  if (GetLogOutputs() != configured_log_outputs_) saved.log_outputs = GetLogOutputs();
  if (pid_file_fd_ >= 0) saved.pid_file = fds.Pass(pid_file_fd_);
  for (const auto& driver : drivers_) driver->SaveState(saved.document, fds);
  for (const auto& server : servers_) {
    bool main = server == servers_.front();
    saved.servers.push_back(server->Save(fds, [&](rpc::ServerSession& session, Json& state) {
      if (!main) return;
      if (personality_.ServesRemote()) connections_.SaveClient(session, state);
      for (const auto& driver : drivers_) driver->SaveClient(session, state, fds);
    }));
  }
  return saved;
}

// Nothing else runs from here to the exec: what is saved is what the next image finds.
void HostDaemon::LeaveForNextImage(bool original) {
  upgrade::PassedFds fds;
  Fd image(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  upgrade::SavedDaemon saved = SaveAll(fds);
  if (image) saved.image = fds.Pass(image.get());
  WriteFileAtomic(paths_.state_file, upgrade::Format(saved));
  fds.KeepOpen();
  try {
    ExecuteAnew(original);
  } catch (...) {
    fds.CloseOnExec();
    unlink(paths_.state_file.c_str());
    throw;
  }
}

// --- arriving ------------------------------------------------------------------------------------

void HostDaemon::CheckState(const upgrade::SavedDaemon& saved) const {
  for (const upgrade::SavedServer& server : saved.servers) {
    if (std::ranges::any_of(server.services, &upgrade::SavedService::tls)) TlsContext::Load(TlsSettingsOf(config_, paths_));
  }
  for (const auto& driver : drivers_) driver->CheckState(saved.document);
}

void HostDaemon::Restore(const upgrade::SavedDaemon& saved) {
  goes_on_ = true;
  upgrade::InheritedFds fds;
  if (saved.timeout) idle_timeout_ = std::chrono::seconds(*saved.timeout);
  if (saved.log_filters) SetLogFilters(*saved.log_filters);
  if (saved.log_outputs) SetLogOutputs(*saved.log_outputs);
  for (const auto& driver : drivers_) driver->RestoreState(saved.document, fds);
  for (const upgrade::SavedServer& from : saved.servers) {
    auto server = std::ranges::find(servers_, from.name, [](auto& server) { return server->name(); });
    if (server == servers_.end()) continue;
    (*server)->Restore(from);
    for (const upgrade::SavedService& service : from.services) RestoreListener(**server, service, fds);
    for (const upgrade::SavedClient& client : from.clients) RestoreClient(**server, client, fds);
  }
}

void HostDaemon::RestoreListener(Server& server, const upgrade::SavedService& service, upgrade::InheritedFds& fds) {
  Fd socket = fds.Take(service.socket);
  RequireListening(socket.get());
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  if (AddressFamilyOf(socket.get()) != AF_UNIX) return AddIpSocket(service.tls ? Way::kTls : Way::kTcp, std::move(socket));
  bool main = &server == servers_.front().get();
  ListenerOptions options{.readonly = service.readonly,
                          .auth = static_cast<AuthScheme>(service.auth),
                          .own_user_only = !main || !environment_.privileged || !personality_.ServesRemote()};
  if (service.own_file) options.own_path = PathOf(socket.get());
  server.AddListener(std::move(socket), std::move(options));
}

// What a driver cannot go on with costs that client its connection, not the others theirs.
void HostDaemon::RestoreClient(Server& server, const upgrade::SavedClient& client, upgrade::InheritedFds& fds) {
  auto session = server.RestoreClient(client, fds);
  if (!session || &server != servers_.front().get()) return;
  try {
    if (personality_.ServesRemote()) connections_.RestoreClient(*session, client.private_data);
    for (const auto& driver : drivers_) driver->RestoreClient(*session, client.private_data, fds);
  } catch (const std::exception& e) {
    LogError(kLog, "client {} could not be taken over: {}", client.id, e.what());
    session->Close();
  }
}

}  // namespace bv
