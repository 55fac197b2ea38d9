// Streams through a session: both directions, holes, finish, abort, failure, back-pressure.
#include "rpc_fixture.h"

namespace bv::rpc {
namespace {

namespace proc = remote::proc;

class StreamTest : public RpcTest {
 protected:
  static std::span<const uint8_t> Bytes(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  // Reads to the end of data, holes as dots.
  static Task<std::string> ReadAll(std::shared_ptr<ClientStream> stream) {
    std::string all;
    while (true) {
      auto chunk = co_await stream->Read();
      if (chunk.kind == ClientStream::Chunk::Kind::kHole) all.append(static_cast<size_t>(chunk.hole), '.');
      if (chunk.kind == ClientStream::Chunk::Kind::kFinish) co_return all;
      all.append(chunk.data.begin(), chunk.data.end());
    }
  }
};

TEST_F(StreamTest, Upload) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    EXPECT_TRUE(co_await stream->Write(Bytes("some ")));
    EXPECT_TRUE(co_await stream->Write(Bytes("data")));
    co_await stream->Finish();
    EXPECT_EQ(driver_.uploaded, "some data");
    EXPECT_EQ(session_->streams(), 0u);
  };
  Run(body());
}

TEST_F(StreamTest, UploadWithHoles) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    args.flags = remote::kStorageVolUploadSparseStream;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    EXPECT_TRUE(co_await stream->Write(Bytes("a")));
    EXPECT_TRUE(co_await stream->WriteHole(3));
    EXPECT_TRUE(co_await stream->Write(Bytes("b")));
    co_await stream->Finish();
    EXPECT_EQ(driver_.uploaded, "a...b");
  };
  Run(body());
}

TEST_F(StreamTest, AHoleWithoutTheFlagClosesTheConnection) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    co_await stream->WriteHole(3);
    co_await Failure(stream->Finish());
    EXPECT_FALSE(client_->connected());
  };
  Run(body());
}

TEST_F(StreamTest, AFailureAtTheEndReachesTheClient) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    co_await stream->Write(Bytes("bad"));
    Error error = co_await Failure(stream->Finish());
    EXPECT_EQ(error.message, "operation failed: bad data");
    EXPECT_EQ(error.domain, ErrorDomain::kStorage);
  };
  Run(body());
}

TEST_F(StreamTest, AbortReachesTheDriver) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    co_await stream->Abort();
  };
  Run(body());
  Settle();
  EXPECT_EQ(driver_.aborted, 1);
}

TEST_F(StreamTest, ALostClientAbortsItsStreams) {
  auto body = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolUpload>(args);
    client_->Close();
  };
  Run(body());
  Settle();
  EXPECT_EQ(driver_.aborted, 1);
  EXPECT_EQ(session_->streams(), 0u);
}

TEST_F(StreamTest, DownloadLargerThanEveryBuffer) {
  driver_.to_download.resize(5 << 20);
  for (size_t i = 0; i < driver_.to_download.size(); ++i) driver_.to_download[i] = static_cast<char>('a' + i % 23);
  auto body = [&]() -> Task<> {
    remote::StorageVolDownloadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolDownload>(args);
    std::string all = co_await ReadAll(stream);
    co_await stream->Finish();
    EXPECT_EQ(all, driver_.to_download);
  };
  Run(body());
  EXPECT_EQ(session_->streams(), 0u);
}

TEST_F(StreamTest, DownloadWithHoles) {
  driver_.to_download = "abcd";
  auto body = [&]() -> Task<> {
    remote::StorageVolDownloadArgs args;
    args.flags = remote::kStorageVolDownloadSparseStream;
    auto stream = co_await client_->OpenStream<proc::StorageVolDownload>(args);
    std::string all = co_await ReadAll(stream);
    EXPECT_EQ(all, "ab" + std::string(1000, '.') + "cd");
    co_await stream->Finish();
  };
  Run(body());
}

TEST_F(StreamTest, AClientThatDoesNotReadStopsTheStreamOnly) {
  driver_.to_download.resize(64 << 20);
  auto body = [&]() -> Task<> {
    remote::StorageVolDownloadArgs args;
    auto stream = co_await client_->OpenStream<proc::StorageVolDownload>(args);
    co_await Sleep(std::chrono::milliseconds(20));
    EXPECT_FALSE(driver_.download_taken) << "64 MiB cannot be on the way";
    co_await stream->Abort();
  };
  Run(body());
  EXPECT_FALSE(driver_.download_taken);
}

TEST_F(StreamTest, ConsoleBothWays) {
  auto body = [&]() -> Task<> {
    remote::DomainOpenConsoleArgs args;
    args.dom.name = "vm";
    auto stream = co_await client_->OpenStream<proc::DomainOpenConsole>(args);
    for (const char* text : {"one", "two"}) {
      co_await stream->Write(Bytes(text));
      auto chunk = co_await stream->Read();
      EXPECT_EQ(std::string(chunk.data.begin(), chunk.data.end()), text);
    }
    co_await stream->Finish();
  };
  Run(body());
}

TEST_F(StreamTest, AFailedCallLeavesNoStream) {
  auto body = [&]() -> Task<> {
    remote::DomainOpenConsoleArgs args;
    args.dom.name = "other";
    Error error = co_await Failure(client_->OpenStream<proc::DomainOpenConsole>(args));
    EXPECT_EQ(error.code, ErrorCode::kNoDomain);
  };
  Run(body());
  EXPECT_EQ(session_->streams(), 0u);
}

// Memory stays bounded when the driver does not take what the client sends.
TEST_F(StreamTest, AnUploadNobodyTakesIsNotRead) {
  struct Driver {
    Task<> Upload(Call& call, remote::StorageVolUploadArgs) {
      kept = call.OpenStream();
      co_return;
    }
    StreamPtr kept;
  } driver;
  Service service;
  service.On<proc::StorageVolUpload>(&driver, &Driver::Upload);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  auto session = ServerSession::Make(service, workers_, MakeSocketTransport(Fd(ends[0])), {}, {});
  session->set_authenticated(true);
  session->StartServing();
  auto client = Client::Make(MakeSocketTransport(Fd(ends[1])));
  size_t written = 0;
  auto writer = [&]() -> Task<> {
    remote::StorageVolUploadArgs args;
    auto stream = co_await client->OpenStream<proc::StorageVolUpload>(args);
    std::vector<uint8_t> block(100000);
    while (co_await stream->Write(block)) written += block.size();
  };
  Spawn(writer(), "writer");
  Settle(std::chrono::milliseconds(50));
  EXPECT_LT(written, 8u << 20);
  driver.kept.reset();  // dropping it fails the stream and lets the connection go on
  Settle(std::chrono::milliseconds(50));
  EXPECT_EQ(session->streams(), 0u);
  client->Close();
  session->Close();
  Settle();
}

}  // namespace
}  // namespace bv::rpc
