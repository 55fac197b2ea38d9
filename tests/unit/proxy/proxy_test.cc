// Forwarding: a client, the proxy and a modular daemon on its socket, all in one loop. Calls,
// errors, streams, descriptors and events go through; a daemon that is not there or goes away is
// an error of the calls that need it and of no others.
#include "proxy/proxy_driver.h"

#include <sys/epoll.h>
#include <sys/un.h>

#include "unit/rpc/rpc_fixture.h"

namespace bv {
namespace {

namespace proc = remote::proc;
using rpc::ClientStream;
using rpc::Failure;

// What every daemon answers, and what it was asked.
class Opening {
 public:
  explicit Opening(Service& service) {
    service.On<proc::AuthList>(this, &Opening::AuthList);
    service.On<proc::ConnectOpen>(this, &Opening::Open);
    service.On<proc::ConnectSetIdentity>(this, &Opening::SetIdentity);
  }
  Task<remote::AuthListRet> AuthList(Call& call) {
    call.client().set_authenticated(true);
    remote::AuthListRet ret;
    ret.types.push_back(remote::AuthType::kNone);
    co_return ret;
  }
  Task<> Open(Call& call, remote::ConnectOpenArgs args) {
    opened = args.name.value_or("") + (args.flags ? " ro" : "");
    if (args.flags) call.client().set_readonly(true);
    co_return;
  }
  Task<> SetIdentity(Call&, remote::ConnectSetIdentityArgs args) {
    for (const TypedParam& param : args.params) {
      if (auto* uid = std::get_if<std::uint64_t>(&param.value)) identity += param.field + "=" + std::to_string(*uid) + " ";
    }
    co_return;
  }
  std::string opened, identity;
};

// A daemon on a socket.
class Daemon {
 public:
  Daemon(const std::string& path, rpc::Workers& workers) : opening(service), workers_(workers) {
    driver.Register(service);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 10), 0);
    watch_.emplace(listener_.get(), EPOLLIN, [this](std::uint32_t) {
      Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      session = rpc::ServerSession::Make(service, workers_, rpc::MakeSocketTransport(std::move(client)), {}, {});
      session->StartServing();
      ++connections;
    });
  }
  ~Daemon() {
    if (session) session->Close();
  }

  Service service;
  Opening opening;
  rpc::SampleDriver driver;
  std::shared_ptr<rpc::ServerSession> session;
  int connections = 0;

 private:
  rpc::Workers& workers_;
  Fd listener_;
  std::optional<FdWatch> watch_;
};

class ProxyTest : public rpc::RpcTest {
 protected:
  ProxyTest() {
    char name[] = "/tmp/bv-proxy-XXXXXX";
    directory_ = mkdtemp(name);
    DriverEnvironment environment;
    environment.privileged = true;
    environment.state_dir = directory_;
    proxy_ = std::make_unique<ProxyDriver>(environment);
    qemu_ = std::make_unique<Daemon>(directory_ + "/virtqemud-sock", workers_);
    front_.AddProgram(remote::kProgram);
    proxy_->Register(front_);
    Connect({});
  }
  ~ProxyTest() override {
    CloseAll();
    qemu_.reset();
    network_.reset();
    storage_.reset();
    unlink((directory_ + "/virtstoraged-sock").c_str());
    unlink((directory_ + "/virtqemud-sock").c_str());
    unlink((directory_ + "/virtnetworkd-sock").c_str());
    rmdir(directory_.c_str());
    Settle();
  }
  // A client of the proxy whose connection has been opened for qemu:///system.
  void Connect(rpc::SessionOptions options) {
    CloseAll();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    session_ = rpc::ServerSession::Make(front_, workers_, rpc::MakeSocketTransport(Fd(ends[0])), options, {});
    session_->set_authenticated(true);
    rpc::Identity identity;
    identity.uid = 1000;
    session_->set_identity(identity);
    session_->StartServing();
    client_ = rpc::Client::Make(rpc::MakeSocketTransport(Fd(ends[1])));
    Run(proxy_->OpenConnection(*session_, "qemu:///system"));
  }

  Task<> CloseQemuSoon() {
    co_await Sleep(std::chrono::milliseconds(20));
    qemu_->session->Close();
  }

  std::string directory_;
  Service front_;
  std::unique_ptr<ProxyDriver> proxy_;
  std::unique_ptr<Daemon> qemu_, network_, storage_;
};

TEST_F(ProxyTest, OpensTheDaemonForTheClient) {
  EXPECT_EQ(qemu_->opening.opened, "qemu:///system");
  EXPECT_EQ(qemu_->opening.identity, "unix-user-id=1000 ");
  Connect({.readonly = true});
  EXPECT_EQ(qemu_->opening.opened, "qemu:///system ro");
}

TEST_F(ProxyTest, CallsAndErrors) {
  auto body = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      auto version = co_await client_->Call<proc::ConnectGetLibVersion>();
      EXPECT_EQ(version.lib_ver, 9000000u);
    }
    remote::DomainLookupByNameArgs args;
    args.name = "other";
    Error error = co_await Failure(client_->Call<proc::DomainLookupByName>(args));
    EXPECT_EQ(error.code, ErrorCode::kNoDomain);
    EXPECT_EQ(error.domain, ErrorDomain::kQemu);
    remote::DomainGetInfoArgs info;
    error = co_await Failure(client_->Call<proc::DomainGetInfo>(info));
    EXPECT_EQ(error.code, ErrorCode::kNoSupport);
  };
  Run(body());
  EXPECT_EQ(session_->running_calls(), 0u);
}

TEST_F(ProxyTest, StreamsBothWays) {
  qemu_->driver.to_download.assign(3 << 20, 'd');
  auto body = [&]() -> Task<> {
    remote::DomainOpenConsoleArgs args;
    args.dom.name = "vm";
    auto stream = co_await client_->OpenStream<proc::DomainOpenConsole>(args);
    std::vector<std::uint8_t> text{'h', 'i'};
    co_await stream->Write(text);
    auto chunk = co_await stream->Read();
    EXPECT_EQ(chunk.data, text);
    co_await stream->Finish();
  };
  Run(body());
}

TEST_F(ProxyTest, DescriptorsBothWays) {
  auto body = [&]() -> Task<> {
    rpc::Client::Extra extra;
    remote::DomainOpenGraphicsFdArgs args;
    co_await client_->Call<proc::DomainOpenGraphicsFd>(args, &extra);
    EXPECT_EQ(extra.reply_fds.size(), 1u);
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    Fd reader(ends[0]);
    extra.fds.emplace_back(ends[1]);
    remote::DomainOpenGraphicsArgs graphics;
    co_await client_->Call<proc::DomainOpenGraphics>(graphics, &extra);
    char text[6] = {};
    EXPECT_EQ(read(reader.get(), text, 5), 5);
    EXPECT_STREQ(text, "there");
  };
  Run(body());
}

TEST_F(ProxyTest, Events) {
  int seen = 0;
  client_->OnEvent<proc::DomainEventLifecycle>([&](const remote::DomainEventLifecycleMsg& message) { seen += message.event; });
  remote::DomainEventLifecycleMsg message;
  message.event = 5;
  qemu_->session->SendEvent<proc::DomainEventLifecycle>(message);
  Settle();
  EXPECT_EQ(seen, 5);
}

TEST_F(ProxyTest, OtherDaemonsOpenWhenTheyAreUsed) {
  auto missing = [&]() -> Task<> {
    Error error = co_await Failure(client_->Call<proc::ConnectNumOfNetworks>());
    EXPECT_EQ(error.code, ErrorCode::kSystemError);
    EXPECT_EQ(error.message, "Failed to connect socket to '" + directory_ + "/virtnetworkd-sock': No such file or directory");
  };
  Run(missing());
  network_ = std::make_unique<Daemon>(directory_ + "/virtnetworkd-sock", workers_);
  auto there = [&]() -> Task<> {
    Error error = co_await Failure(client_->Call<proc::ConnectNumOfNetworks>());
    EXPECT_EQ(error.code, ErrorCode::kNoSupport) << "the sample daemon has no networks, but it was asked";
    error = co_await Failure(client_->Call<proc::ConnectNumOfDefinedNetworks>());
    EXPECT_EQ(error.code, ErrorCode::kNoSupport);
    co_await client_->Call<proc::ConnectGetLibVersion>();
  };
  Run(there());
  EXPECT_EQ(network_->opening.opened, "network:///system");
  EXPECT_EQ(network_->connections, 1);
  EXPECT_EQ(qemu_->connections, 1);
}

TEST_F(ProxyTest, ADaemonThatGoesFailsItsCalls) {
  int reason = 0;
  client_->OnEvent<proc::ConnectEventConnectionClosed>(
      [&](const remote::ConnectEventConnectionClosedMsg& message) { reason = message.reason; });
  auto wait = [&]() -> Task<> {
    co_await Failure(client_->Call<proc::ConnectRegisterCloseCallback>());
    remote::DomainCreateArgs args;
    Error error = co_await Failure(client_->Call<proc::DomainCreate>(args));
    EXPECT_EQ(error.message, "internal error: client socket is closed");
    error = co_await Failure(client_->Call<proc::ConnectGetLibVersion>());
    EXPECT_EQ(error.message, "internal error: client socket is closed");
  };
  Spawn(CloseQemuSoon(), "close");
  Run(wait());
  Settle();
  EXPECT_EQ(reason, 1);
  EXPECT_EQ(session_->running_calls(), 0u);
  qemu_->driver.release.Set();
  Settle();
}

TEST_F(ProxyTest, AClientThatGoesTakesItsLinksAlong) {
  Spawn([](std::shared_ptr<rpc::Client> client) -> Task<> {
    remote::DomainCreateArgs args;
    co_await Failure(client->Call<proc::DomainCreate>(args));
  }(client_), "create");
  Settle();
  EXPECT_EQ(qemu_->driver.running, 1);
  client_->Close();
  Settle();
  EXPECT_FALSE(qemu_->session->connected());
  EXPECT_EQ(session_->running_calls(), 0u);
  qemu_->driver.release.Set();
  Settle();
}

// A client that does not read makes the proxy hold no more than its windows, and the daemon wait.
TEST_F(ProxyTest, ASlowReaderSlowsItsDaemonsOnly) {
  storage_ = std::make_unique<Daemon>(directory_ + "/virtstoraged-sock", workers_);
  storage_->driver.to_download.assign(64 << 20, 'd');
  auto body = [&]() -> Task<> {
    remote::StorageVolDownloadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolDownload>(args);
    co_await Sleep(std::chrono::milliseconds(50));
    EXPECT_FALSE(storage_->driver.download_taken);
    EXPECT_LT(session_->queued(), 2u << 20);
    EXPECT_LT(storage_->session->queued(), 2u << 20);
    co_await stream->Abort();
    co_await client_->Call<proc::ConnectGetLibVersion>();
  };
  Run(body());
}

TEST_F(ProxyTest, UploadsArriveWhole) {
  storage_ = std::make_unique<Daemon>(directory_ + "/virtstoraged-sock", workers_);
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    std::vector<std::uint8_t> block(1 << 20, 'u');
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(co_await stream->Write(block));
    co_await stream->Finish();
    EXPECT_EQ(storage_->driver.uploaded, std::string(8 << 20, 'u'));
  };
  Run(body());
}

TEST(Backend, OfProcedures) {
  auto of = [](const auto& program, std::int32_t number) {
    const Backend* backend = BackendOf(program, *program.Find(number));
    return backend ? std::string(backend->daemon) : "";
  };
  EXPECT_EQ(of(remote::kProgram, proc::DomainCreate::info.number), "");
  EXPECT_EQ(of(remote::kProgram, proc::ConnectGetCapabilities::info.number), "");
  EXPECT_EQ(of(remote::kProgram, proc::DomainSnapshotCreateXml::info.number), "");
  EXPECT_EQ(of(remote::kProgram, proc::NetworkCreate::info.number), "virtnetworkd");
  EXPECT_EQ(of(remote::kProgram, proc::ConnectNetworkEventRegisterAny::info.number), "virtnetworkd");
  EXPECT_EQ(of(remote::kProgram, proc::ConnectListAllStoragePools::info.number), "virtstoraged");
  EXPECT_EQ(of(remote::kProgram, proc::StorageVolUpload::info.number), "virtstoraged");
  EXPECT_EQ(of(remote::kProgram, proc::SecretGetValue::info.number), "virtsecretd");
  EXPECT_EQ(of(remote::kProgram, proc::NodeListDevices::info.number), "virtnodedevd");
  EXPECT_EQ(of(remote::kProgram, proc::NodeDeviceReset::info.number), "");
  EXPECT_EQ(of(remote::kProgram, proc::NodeGetInfo::info.number), "");
  EXPECT_EQ(of(remote::kProgram, proc::NwfilterDefineXml::info.number), "virtnwfilterd");
  EXPECT_EQ(of(remote::kProgram, proc::InterfaceCreate::info.number), "virtinterfaced");
  EXPECT_EQ(of(remote::kProgram, proc::DomainGetInterfaceParameters::info.number), "");
}

}  // namespace
}  // namespace bv
