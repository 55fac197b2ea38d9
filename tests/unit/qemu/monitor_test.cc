// The QMP client against a peer that the test plays: answers find their commands, events keep their
// order, descriptors arrive, and every way a connection can end ends every wait.
#include "qemu/monitor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

class MonitorTest : public testing::Test {
 public:
  MonitorTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peer_.Reset(pair[1]);
    monitor_ = std::make_unique<Monitor>(
        Fd(pair[0]), [this](const MonitorEvent& event) { log_ += event.name + ";"; }, [this] { log_ += "end;"; });
  }

  void Run(Task<> task) {
    Spawn(Finish(std::move(task)), "test");
    loop_.Run();
  }
  Task<> Finish(Task<> task) {
    co_await std::move(task);
    loop_.Quit();
  }

  // What the client has sent until now.
  std::string Received() {
    char buffer[65536];
    ssize_t got = recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
  }
  void Say(std::string_view text) { ASSERT_EQ(write(peer_.get(), text.data(), text.size()), ssize_t(text.size())); }

  Loop loop_;
  Fd peer_;
  std::unique_ptr<Monitor> monitor_;
  std::string log_;
};

Task<> Collect(Monitor& monitor, std::string command, std::string& into) {
  try {
    Json value = co_await monitor.Execute(command);
    into += command + "=" + value.Dump() + ";";
  } catch (const Error& e) {
    into += command + ": " + e.what() + ";";
  }
}

TEST_F(MonitorTest, SendsCompactCommandsAndGivesEachItsAnswer) {
  Spawn(Collect(*monitor_, "a", log_), "a");
  Spawn(Collect(*monitor_, "b", log_), "b");
  EXPECT_EQ(Received(), R"({"execute":"a","id":1}{"execute":"b","id":2})");
  Say("{\"return\":2,\"id\":2}\r\n{\"return\":{},\"id\":1}\r\n");
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "b=2;a={};");
}

TEST_F(MonitorTest, AnErrorIsLibvirtsInternalErrorAndKeepsItsClass) {
  Run([](MonitorTest& self) -> Task<> {
    self.Say(R"({"error":{"class":"DeviceNotFound","desc":"Device 'x' not found"},"id":1})" "\r\n");
    try {
      co_await self.monitor_->Execute("device_del");
      ADD_FAILURE();
    } catch (const MonitorError& e) {
      EXPECT_EQ(e.domain, ErrorDomain::kQemu);
      EXPECT_EQ(e.code, ErrorCode::kInternalError);
      EXPECT_EQ(e.error_class, "DeviceNotFound");
      EXPECT_STREQ(e.what(), "internal error: unable to execute QEMU command 'device_del': Device 'x' not found");
    }
  }(*this));
}

TEST_F(MonitorTest, AnswersWithoutIdBelongToTheOldest) {
  Spawn(Collect(*monitor_, "a", log_), "a");
  Say("{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error\"}}\r\n");
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "a: internal error: unable to execute QEMU command 'a': JSON parse error;");
}

TEST_F(MonitorTest, ABatchKeepsItsOrderAndItsErrors) {
  Run([](MonitorTest& self) -> Task<> {
    std::vector<MonitorCommand> batch(2);
    batch[0].name = "x";
    batch[1].name = "y";
    self.Say("{\"return\":1,\"id\":1}\n{\"error\":{\"class\":\"C\",\"desc\":\"d\"},\"id\":2}\n");
    auto replies = co_await self.monitor_->ExecuteAll(std::move(batch));
    EXPECT_EQ(replies.at(0).Value().AsInt(), 1);
    EXPECT_TRUE(replies.at(1).error);
    EXPECT_THROW(replies.at(1).Value(), MonitorError);
  }(*this));
}

TEST_F(MonitorTest, EventsComeInOrderAlsoInPieces) {
  Say("{\"event\":\"STOP\",\"timestamp\":{\"seconds\":1,\"micro");
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "");
  Say("seconds\":2}}\r\n{\"event\":\"RESUME\"}\r\n");
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "STOP;RESUME;");
}

TEST_F(MonitorTest, GarbageIsSkipped) {
  Say("nonsense\r\n{\"event\":\"STOP\"}\r\n");
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "STOP;");
}

TEST_F(MonitorTest, HangUpEndsWaitsThenSaysSo) {
  Spawn(Collect(*monitor_, "a", log_), "a");
  Say("{\"event\":\"SHUTDOWN\"}\r\n");
  peer_.Reset();
  Run(Sleep(5ms));
  EXPECT_EQ(log_, "SHUTDOWN;end;a: internal error: End of file from qemu monitor;");
  EXPECT_FALSE(monitor_->open());
  Run(Collect(*monitor_, "b", log_));
  EXPECT_NE(log_.find("b: internal error"), std::string::npos);
}

TEST_F(MonitorTest, MayBeDestroyedByItsCallbacks) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  peer_.Reset(pair[1]);
  monitor_ = std::make_unique<Monitor>(
      Fd(pair[0]), [this](const MonitorEvent&) { monitor_.reset(); }, nullptr);
  Say("{\"event\":\"STOP\"}\r\n{\"event\":\"STOP\"}\r\n");
  Run(Sleep(5ms));
  EXPECT_FALSE(monitor_);
}

TEST_F(MonitorTest, ALateAnswerIsDropped) {
  Run([](MonitorTest& self) -> Task<> {
    try {
      co_await self.monitor_->Execute("slow", {}, In(2ms));
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.code, ErrorCode::kOperationTimeout);
    }
    self.Say("{\"return\":1,\"id\":1}\r\n{\"return\":2,\"id\":2}\r\n");
    Json value = co_await self.monitor_->Execute("next");
    EXPECT_EQ(value.AsInt(), 2);
  }(*this));
}

TEST_F(MonitorTest, PassesDescriptors) {
  Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  Run([](MonitorTest& self, int fd) -> Task<> {
    self.Say("{\"return\":{},\"id\":1}\r\n");
    MonitorCommand command{.name = "getfd", .fd = fd};
    co_await self.monitor_->Execute(std::move(command));
  }(*this, null.get()));
  char buffer[256];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec data{buffer, sizeof buffer};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_GT(recvmsg(peer_.get(), &message, MSG_CMSG_CLOEXEC), 0);
  ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
  int received;
  memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  EXPECT_NE(fcntl(received, F_GETFD), -1);
  close(received);
}

TEST_F(MonitorTest, MuchOutputWaitsForThePeer) {
  std::string big(3 << 20, 'x');
  Run([](MonitorTest& self, std::string name) -> Task<> {
    Spawn(Collect(*self.monitor_, name, self.log_), "big");
    std::size_t total = 0;
    while (total < name.size()) {
      total += self.Received().size();
      co_await Sleep(0ms);
    }
    self.Say("{\"return\":7,\"id\":1}\r\n");
    co_await Sleep(5ms);
  }(*this, big));
  EXPECT_EQ(log_, big + "=7;");
}

TEST_F(MonitorTest, TextGetsAnIdInLibvirtsForm) {
  Run([](MonitorTest& self) -> Task<> {
    self.Say("{\"return\":{},\"id\":1}\r\n");
    std::string answer = co_await self.monitor_->ExecuteText("{\"execute\":\"stop\"}");
    EXPECT_EQ(answer, R"({"return":{},"id":"libvirt-1"})");
    bool refused = false;
    try {
      co_await self.monitor_->ExecuteText("{\"execute\":\"x\",\"id\":\"mine\"}");
    } catch (const Error& error) {
      refused = error.code == ErrorCode::kInternalError;
    }
    EXPECT_TRUE(refused);
  }(*this));
}

TEST_F(MonitorTest, TextThatIsNoCommandIsLeftToQemuToRefuse) {
  Run([](MonitorTest& self) -> Task<> {
    self.Say("{\"error\":{\"class\":\"C\",\"desc\":\"d\"}}\r\n");
    EXPECT_EQ(co_await self.monitor_->ExecuteText("[1]"), R"({"error":{"class":"C","desc":"d"}})");
    self.Say("{\"error\":{\"class\":\"C\",\"desc\":\"d\"},\"id\":2}\r\n");
    EXPECT_EQ(co_await self.monitor_->ExecuteText("{}"), R"({"error":{"class":"C","desc":"d"}})");
  }(*this));
}

}  // namespace
}  // namespace bv::qemu
