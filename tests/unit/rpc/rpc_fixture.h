#pragma once

// A served driver and a client on the two ends of a socket pair, in one loop.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/wait.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace bv::rpc {

// A driver whose handlers show one way of answering each.
class SampleDriver {
 public:
  void Register(Service& service) {
    namespace proc = remote::proc;
    service.On<proc::ConnectGetLibVersion>(this, &SampleDriver::GetLibVersion);
    service.On<proc::DomainLookupByName>(this, &SampleDriver::LookupByName);
    service.On<proc::DomainCreate>(this, &SampleDriver::Create);
    service.On<proc::DomainOpenGraphicsFd>(this, &SampleDriver::OpenGraphicsFd);
    service.On<proc::DomainOpenGraphics>(this, &SampleDriver::OpenGraphics);
    service.On<proc::StorageVolUpload>(this, &SampleDriver::Upload);
    service.On<proc::StorageVolDownload>(this, &SampleDriver::Download);
    service.On<proc::DomainOpenConsole>(this, &SampleDriver::OpenConsole);
  }

  // Answers at once.
  Task<remote::ConnectGetLibVersionRet> GetLibVersion(Call&) {
    remote::ConnectGetLibVersionRet ret;
    ret.lib_ver = 9000000;
    co_return ret;
  }

  // Fails for every name but "vm".
  Task<remote::DomainLookupByNameRet> LookupByName(Call&, remote::DomainLookupByNameArgs args) {
    if (args.name != "vm") throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain, args.name);
    remote::DomainLookupByNameRet ret;
    ret.dom.name = args.name;
    ret.dom.id = 7;
    co_return ret;
  }

  // Waits until `release` is set.
  Task<> Create(Call& call, remote::DomainCreateArgs) {
    ++running;
    most_running = std::max(most_running, running);
    co_await release.Wait();
    --running;
    if (!call.client().connected()) ++ended_without_client;
  }

  // Sends the read end of a pipe.
  Task<> OpenGraphicsFd(Call& call, remote::DomainOpenGraphicsFdArgs) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    Fd writer(ends[1]);
    EXPECT_EQ(write(writer.get(), "hello", 5), 5);
    call.reply_fds.emplace_back(ends[0]);
    co_return;
  }

  // Writes to the descriptor that came with the call.
  Task<> OpenGraphics(Call& call, remote::DomainOpenGraphicsArgs) {
    if (call.fds.size() != 1) throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "No FD available at slot 0");
    EXPECT_EQ(write(call.fds[0].get(), "there", 5), 5);
    co_return;
  }

  // Keeps what is uploaded; fails at the end when it contains "bad".
  Task<> Upload(Call& call, remote::StorageVolUploadArgs) {
    Spawn(Receive(call.OpenStream()), "upload");
    co_return;
  }
  Task<> Receive(StreamPtr stream) {
    while (true) {
      ServerStream::Chunk chunk = co_await stream->Read();
      using Kind = ServerStream::Chunk::Kind;
      if (chunk.kind == Kind::kData) uploaded.append(chunk.data.begin(), chunk.data.end());
      if (chunk.kind == Kind::kHole) uploaded.append(static_cast<size_t>(chunk.hole), '.');
      if (chunk.kind == Kind::kAbort) {
        ++aborted;
        co_return;
      }
      if (chunk.kind == Kind::kFinish) break;
    }
    if (uploaded.find("bad") != uploaded.npos) {
      stream->Fail(Error(ErrorDomain::kStorage, ErrorCode::kOperationFailed, "bad data"));
    } else {
      stream->Finish();
    }
  }

  // Sends `to_download`.
  Task<> Download(Call& call, remote::StorageVolDownloadArgs) {
    Spawn(Send(call.OpenStream()), "download");
    co_return;
  }
  Task<> Send(StreamPtr stream) {
    std::span<const uint8_t> data{reinterpret_cast<const uint8_t*>(to_download.data()), to_download.size()};
    bool taken = co_await stream->Write(data.first(data.size() / 2));
    if (taken && stream->sparse()) taken = co_await stream->WriteHole(1000);
    if (taken) taken = co_await stream->Write(data.subspan(data.size() / 2));
    download_taken = taken;
    stream->WriteEnd();
    stream->Finish();
  }

  // Echoes, as a console would.
  Task<> OpenConsole(Call& call, remote::DomainOpenConsoleArgs args) {
    StreamPtr stream = call.OpenStream();
    if (args.dom.name != "vm") throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain, args.dom.name);
    Spawn(Echo(stream), "console");
    co_return;
  }
  Task<> Echo(StreamPtr stream) {
    while (true) {
      ServerStream::Chunk chunk = co_await stream->Read();
      if (chunk.kind == ServerStream::Chunk::Kind::kFinish) stream->Finish();
      if (chunk.kind != ServerStream::Chunk::Kind::kData) break;
      co_await stream->Write(chunk.data);
    }
  }

  Event release;
  int running = 0, most_running = 0, ended_without_client = 0, aborted = 0;
  std::string uploaded, to_download;
  bool download_taken = false;
};

class RpcTest : public testing::Test {
 protected:
  RpcTest() {
    driver_.Register(service_);
    SetUpSession();
  }
  ~RpcTest() override { CloseAll(); }

  // The client end of a new connection, served.
  Fd NewConnection(SessionOptions options = {}) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    session_ = ServerSession::Make(service_, workers_, MakeSocketTransport(Fd(ends[0])), options, [this] { ++gone_; });
    session_->set_authenticated(true);
    session_->StartServing();
    return Fd(ends[1]);
  }
  void SetUpSession(SessionOptions options = {}) {
    CloseAll();
    client_ = Client::Make(MakeSocketTransport(NewConnection(options)));
  }
  void CloseAll() {
    if (client_) client_->Close();
    if (session_) session_->Close();
    client_.reset();
    session_.reset();
    Settle();
  }

  // Runs the loop until `task` has ended.
  void Run(Task<> task) {
    Spawn(Finish(std::move(task)), "test");
    loop_.Run();
  }
  Task<> Finish(Task<> task) {
    try {
      co_await std::move(task);
    } catch (const Error& error) {
      ADD_FAILURE() << "unexpected: " << error.what();
    }
    loop_.Quit();
  }
  // Lets what is on its way arrive.
  void Settle(std::chrono::milliseconds time = std::chrono::milliseconds(5)) { Run(Sleep(time)); }

  Loop loop_;
  Service service_;
  Workers workers_{20, 5};
  SampleDriver driver_;
  std::shared_ptr<ServerSession> session_;
  std::shared_ptr<Client> client_;
  int gone_ = 0;
};

// Awaits `task`, which must throw an Error; hands it over.
template <typename T>
Task<Error> Failure(Task<T> task) {
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    co_return error;
  }
  ADD_FAILURE() << "no error";
  co_return Error(ErrorDomain::kNone, ErrorCode::kOk);
}

}  // namespace bv::rpc
