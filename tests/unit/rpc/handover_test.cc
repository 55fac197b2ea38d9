// A connection that goes on in another session, as in another process image, and its peer does not notice.
#include "rpc_fixture.h"

namespace bv::rpc {
namespace {

namespace proc = remote::proc;

class HandOverTest : public RpcTest {
 protected:
  // The session's state in a new session on a copy of its socket; the old one goes as with its image.
  void HandOver() {
    std::optional<SavedConnection> saved = session_->SaveConnection();
    ASSERT_TRUE(saved);
    saved->socket = dup(saved->socket);
    for (int& fd : saved->input_fds) fd = dup(fd);
    for (auto& part : saved->output) {
      for (int& fd : part.fds) fd = dup(fd);
    }
    session_->Close();
    session_ = ServerSession::Make(service_, workers_, MakeSocketTransport(Fd(saved->socket)), {}, [] {});
    session_->set_authenticated(true);
    session_->RestoreConnection(std::move(*saved));
    session_->StartServing();
  }
  Task<> Ask() {
    remote::DomainLookupByNameArgs args;
    args.name = "vm";
    auto found = co_await client_->Call<proc::DomainLookupByName>(args);
    EXPECT_EQ(found.dom.id, 7);
    ++answers_;
  }
  int answers_ = 0;
};

TEST_F(HandOverTest, CallsThatWereReadAndThoseThatWereNot) {
  // Sent while the first call still runs and no more are read: part of this is in our memory, part in the socket.
  SetUpSession({.max_requests = 1});
  auto create = [&]() -> Task<> { co_await client_->Call<proc::DomainCreate>(remote::DomainCreateArgs()); };
  Spawn(create(), "create");
  for (int i = 0; i < 20; ++i) Spawn(Ask(), "ask");
  Settle();
  EXPECT_EQ(answers_, 0);
  session_->HoldInput(+1);
  driver_.release.Set();
  Settle();
  EXPECT_EQ(session_->running_calls(), 0u);
  EXPECT_EQ(answers_, 0);
  HandOver();
  Settle();
  EXPECT_EQ(answers_, 20);
}

TEST_F(HandOverTest, RepliesThatWereNotSent) {
  auto ask_often = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) Spawn(Ask(), "ask");
    co_return;
  };
  Run(ask_often());
  client_->HoldInput(+1);
  // What the loop has not flushed yet goes over with the rest.
  Settle();
  HandOver();
  client_->HoldInput(-1);
  Settle();
  EXPECT_EQ(answers_, 20);
}

TEST_F(HandOverTest, DescriptorsOfACallThatWasRead) {
  session_->HoldInput(+1);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Fd reader(ends[0]);
  Client::Extra extra;
  extra.fds.emplace_back(ends[1]);
  auto send = [&]() -> Task<> { co_await client_->Call<proc::DomainOpenGraphics>(remote::DomainOpenGraphicsArgs(), &extra); };
  Spawn(send(), "send");
  Settle();
  HandOver();
  Settle();
  char text[6] = "";
  EXPECT_EQ(read(reader.get(), text, 5), 5);
  EXPECT_STREQ(text, "there");
}

TEST_F(HandOverTest, StreamsCanBeEnded) {
  std::shared_ptr<ClientStream> stream;
  auto open = [&]() -> Task<> {
    remote::DomainOpenConsoleArgs args;
    args.dom.name = "vm";
    stream = co_await client_->OpenStream<proc::DomainOpenConsole>(args);
  };
  Run(open());
  EXPECT_EQ(session_->streams(), 1u);
  session_->FailStreams(Error(ErrorDomain::kStreams, ErrorCode::kOperationAborted, "upgrade"));
  EXPECT_EQ(session_->streams(), 0u);
  auto read = [&]() -> Task<> {
    Error error = co_await Failure(stream->Read());
    EXPECT_EQ(error.code, ErrorCode::kOperationAborted);
  };
  Run(read());
  HandOver();
  Run(Ask());
}

}  // namespace
}  // namespace bv::rpc
