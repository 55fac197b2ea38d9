#include "proxy/proxy_driver.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "daemon/uri.h"
#include "protocol/lxc_protocol.h"
#include "protocol/qemu_protocol.h"
#include "protocol/remote.h"
#include "upgrade/fds.h"
#include "upgrade/state.h"

namespace bv {

namespace {

constexpr std::uint32_t kFeatureKeepAlive = 10;
constexpr std::int32_t kReasonEof = 1;  // VIR_CONNECT_CLOSE_REASON_EOF

// What a client has open: client.State<Links>().
struct Links {
  const Backend* main = nullptr;  // what its URI names; null before that is open
  std::map<const Backend*, std::shared_ptr<Link>> by_backend;
  bool wants_close_event = false;
};

// Calls that are about the client's connection to us.
bool IsOwn(const rpc::Procedure& procedure, const rpc::Frame& frame) {
  using namespace remote::proc;
  const rpc::ProcedureInfo& info = *procedure.info;
  if (frame.header.prog != remote::kProgram.id) return false;
  if (info.number == ConnectSupportsFeature::info.number) {
    return frame.payload.size() < 4 || rpc::GetWord(frame.payload.data()) == kFeatureKeepAlive;
  }
  return info.preauth || info.number == ConnectOpen::info.number || info.number == ConnectClose::info.number ||
         info.number == ConnectSetIdentity::info.number;
}

const rpc::Program* ProgramOf(std::uint32_t id) {
  for (const rpc::Program* program : {&remote::kProgram, &qemu_protocol::kProgram, &lxc_protocol::kProgram}) {
    if (program->id == id) return program;
  }
  return nullptr;
}

Task<> OpenQuietly(std::shared_ptr<Link> link, std::string uri, bool readonly) {
  try {
    co_await link->Open(std::move(uri), readonly);
  } catch (const Error& error) {
    LogInfo("proxy", "{}", error.what());  // its calls have been answered with it
  }
}

}  // namespace

std::string ProxyDriver::SocketPath(const Backend& backend) const {
  return socket_dir_ + "/" + std::string(backend.daemon) + "-sock";
}

std::shared_ptr<Link> ProxyDriver::MakeLink(std::shared_ptr<rpc::ServerSession> session, const Backend& backend) const {
  return std::make_shared<Link>(std::move(session), SocketPath(backend), privileged_ ? "" : std::string(backend.daemon));
}

bool ProxyDriver::AcceptsUri(const Uri& uri) const {
  return FindBackend(uri.scheme) && AcceptsLocalUri(uri, uri.scheme, privileged_);
}

std::string ProxyDriver::DefaultUri() const {
  for (const Backend& backend : Backends()) {
    if (backend.hypervisor && FileExists(SocketPath(backend))) {
      return std::string(backend.scheme) + (privileged_ ? ":///system" : ":///session");
    }
  }
  return {};
}

Task<> ProxyDriver::OpenConnection(rpc::ClientSession& client, const std::string& uri) {
  const Backend* backend = FindBackend(Uri::Parse(uri).scheme);
  auto session = std::static_pointer_cast<rpc::ServerSession>(client.shared_from_this());
  auto link = MakeLink(session, *backend);
  co_await link->Open(uri, client.readonly());
  Tie(session, backend, link);
  if (!session->connected()) link->Close();
}

void ProxyDriver::Tie(const std::shared_ptr<rpc::ServerSession>& session, const Backend* backend,
                      const std::shared_ptr<Link>& link) {
  Links& links = session->State<Links>();
  links.main = backend;
  links.by_backend[backend] = link;
  link->OnLost([session = std::weak_ptr(session), &links] {
    auto locked = session.lock();
    if (!locked || !links.wants_close_event) return;
    remote::ConnectEventConnectionClosedMsg message;
    message.reason = kReasonEof;
    locked->SendEvent<remote::proc::ConnectEventConnectionClosed>(message);
  });
  session->set_on_room([&links] {
    for (auto& [key, link] : std::map(links.by_backend)) link->OnClientRoom();
  });
  session->OnClose([&links] {
    for (auto& [key, link] : std::exchange(links.by_backend, {})) link->Close();
  });
}

void ProxyDriver::SaveClient(rpc::ClientSession& client, Json& state, upgrade::PassedFds& fds) const {
  const Links& links = client.State<Links>();
  if (!links.main) return;
  Json list = Json::Array();
  for (const auto& [backend, link] : links.by_backend) {
    if (!link) continue;
    Json entry = Json::Object({{"scheme", backend->scheme}});
    if (auto connection = link->Save()) {
      fds.Pass(connection->socket);
      for (int fd : connection->input_fds) fds.Pass(fd);
      for (auto& part : connection->output) std::ranges::for_each(part.fds, [&](int fd) { fds.Pass(fd); });
      entry.Set("connection", upgrade::FormatConnection(*connection));
    }
    list.Append(entry);
  }
  state.Set("proxy", Json::Object({{"main", links.main->scheme}, {"closeEvent", links.wants_close_event}, {"links", list}}));
}

void ProxyDriver::RestoreClient(rpc::ClientSession& client, const Json& state, upgrade::InheritedFds& fds) {
  Json saved = state.Find("proxy");
  const Backend* main = FindBackend(saved.Find("main").AsString().value_or(""));
  if (!main) return;
  auto session = std::static_pointer_cast<rpc::ServerSession>(client.shared_from_this());
  Links& links = client.State<Links>();
  links.wants_close_event = saved.Find("closeEvent").AsBool().value_or(false);
  std::map<const Backend*, std::shared_ptr<Link>> found;
  for (const Json& entry : saved.Find("links").elements()) {
    const Backend* backend = FindBackend(entry.Find("scheme").AsString().value_or(""));
    if (!backend) continue;
    std::optional<rpc::SavedConnection> connection;
    if (Json json = entry.Find("connection")) {
      connection = upgrade::ParseConnection(json);
      connection->socket = fds.TakeNumber(connection->socket);
      for (int& fd : connection->input_fds) fd = fds.TakeNumber(fd);
      for (auto& part : connection->output) std::ranges::for_each(part.fds, [&](int& fd) { fd = fds.TakeNumber(fd); });
    }
    auto link = MakeLink(session, *backend);
    link->Restore(std::move(connection));
    found[backend] = std::move(link);
  }
  if (!found.contains(main)) {
    found[main] = MakeLink(session, *main);
    found[main]->Restore(std::nullopt);
  }
  Tie(session, main, found[main]);
  links.by_backend = std::move(found);
}

std::shared_ptr<Link> ProxyDriver::LinkFor(rpc::ServerSession& session, const rpc::Header& header, bool open) {
  Links& links = session.State<Links>();
  if (!links.main) return nullptr;
  const rpc::Program& program = *ProgramOf(header.prog);
  const Backend* backend = BackendOf(program, *program.Find(header.proc));
  // A connection to the networks' daemon alone reaches nothing else.
  if (!backend || !links.main->hypervisor) backend = links.main;
  std::shared_ptr<Link>& link = links.by_backend[backend];
  if ((!link || link->lost()) && backend != links.main && open) {
    auto self = std::static_pointer_cast<rpc::ServerSession>(session.shared_from_this());
    link = MakeLink(self, *backend);
    std::string uri = std::string(backend->scheme) + (privileged_ ? ":///system" : ":///session");
    Spawn(OpenQuietly(link, std::move(uri), session.readonly()), "proxy link");
  }
  return link;
}

bool ProxyDriver::TakeCall(rpc::ServerSession& session, const rpc::Procedure& procedure, rpc::Frame& frame) {
  if (IsOwn(procedure, frame)) return false;
  auto link = LinkFor(session, frame.header, true);
  if (!link) return false;  // the gate answers that the connection is not open
  if (frame.header.prog == remote::kProgram.id) {
    Links& links = session.State<Links>();
    if (frame.header.proc == remote::proc::ConnectRegisterCloseCallback::info.number) links.wants_close_event = true;
    if (frame.header.proc == remote::proc::ConnectUnregisterCloseCallback::info.number) links.wants_close_event = false;
  }
  link->SendCall(frame);
  return true;
}

void ProxyDriver::TakeStreamPacket(rpc::ServerSession& session, rpc::Frame& frame) {
  const rpc::Program* program = ProgramOf(frame.header.prog);
  if (!program || frame.header.vers != program->version || !program->Find(frame.header.proc)) return;
  if (auto link = LinkFor(session, frame.header, false)) link->SendPacket(frame);
}

}  // namespace bv
