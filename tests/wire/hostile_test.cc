// Clients that break the rules: the daemon answers as libvirt does or closes that client alone,
// other clients notice nothing, and no memory or descriptor is left behind.
#include <arpa/inet.h>
#include <dirent.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/eventfd.h>

#include "unit/rpc/rpc_fixture.h"

namespace bv::rpc {
namespace {

namespace proc = remote::proc;
using namespace std::chrono_literals;

// A client made of bytes.
struct Raw {
  explicit Raw(Fd socket) : socket(std::move(socket)) {}

  void Send(std::span<const uint8_t> bytes) {
    [[maybe_unused]] auto sent = send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void SendFd(int fd) {
    auto transport = MakeSocketTransport(Fd(dup(socket.get())));
    transport->SendFd(fd);
  }
  // All that has arrived.
  std::vector<uint8_t> Take() {
    std::vector<uint8_t> all(1 << 20);
    ssize_t got = recv(socket.get(), all.data(), all.size(), MSG_DONTWAIT);
    ended = got == 0;
    all.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return all;
  }
  Fd socket;
  bool ended = false;
};

struct Answer {
  Header header;
  std::string error;  // its message, or empty
};

class HostileTest : public RpcTest {
 protected:
  HostileTest() { service_.AddProgram(remote::kProgram); }

  static std::vector<uint8_t> Message(Header header, std::span<const uint8_t> payload = {}) {
    std::vector<uint8_t> bytes(kFrameStart + payload.size());
    PutWord(bytes.data(), static_cast<uint32_t>(bytes.size()));
    const uint32_t words[] = {header.prog,
                              header.vers,
                              static_cast<uint32_t>(header.proc),
                              static_cast<uint32_t>(header.type),
                              header.serial,
                              static_cast<uint32_t>(header.status)};
    for (int i = 0; i < 6; ++i) PutWord(bytes.data() + 4 + 4 * i, words[i]);
    std::copy(payload.begin(), payload.end(), bytes.begin() + kFrameStart);
    return bytes;
  }
  static Header VersionCall() {
    return {.prog = 0x20008086, .vers = 1, .proc = proc::ConnectGetLibVersion::info.number, .serial = 42};
  }
  static std::vector<uint8_t> Word(uint32_t value) {
    std::vector<uint8_t> bytes(4);
    PutWord(bytes.data(), value);
    return bytes;
  }
  static std::vector<uint8_t> LookupCall() {
    remote::DomainLookupByNameArgs args;
    args.name = "vm";
    Buffer payload;
    xdr::Encode(*remote::kProgram.Find(proc::DomainLookupByName::info.number)->args, &args, payload);
    Header header = VersionCall();
    header.proc = proc::DomainLookupByName::info.number;
    return Message(header, payload.bytes());
  }

  // The answers to `bytes` from a fresh connection; `closed` says whether it is gone then.
  std::vector<Answer> Answers(std::span<const uint8_t> bytes, bool* closed = nullptr) {
    Raw raw(NewConnection());
    raw.Send(bytes);
    Settle();
    std::vector<Answer> answers = Split(raw.Take());
    if (closed) *closed = !session_->connected();
    return answers;
  }
  static std::vector<Answer> Split(const std::vector<uint8_t>& bytes) {
    std::vector<Answer> answers;
    for (size_t at = 0; at + kFrameStart <= bytes.size();) {
      const uint8_t* from = bytes.data() + at;
      Answer answer;
      answer.header = {.prog = GetWord(from + 4),
                       .vers = GetWord(from + 8),
                       .proc = static_cast<int32_t>(GetWord(from + 12)),
                       .type = static_cast<MessageType>(GetWord(from + 16)),
                       .serial = GetWord(from + 20),
                       .status = static_cast<Status>(GetWord(from + 24))};
      uint32_t size = GetWord(from);
      ErrorMessage message;
      if (answer.header.status == Status::kError &&
          xdr::Decode(kErrorMessageType, {from + kFrameStart, size - kFrameStart}, &message)) {
        EXPECT_EQ(message.code, static_cast<int>(ErrorCode::kRpc));
        EXPECT_EQ(message.domain, static_cast<int>(ErrorDomain::kRpc));
        answer.error = message.message.value_or("");
      }
      answers.push_back(answer);
      at += size;
    }
    return answers;
  }
  // The one error that a version call with this header is answered with, and that the connection
  // goes on after it.
  std::string ErrorFor(Header header) {
    std::vector<uint8_t> bytes = Message(header), good = Message(VersionCall());
    bytes.insert(bytes.end(), good.begin(), good.end());
    bool closed = false;
    auto answers = Answers(bytes, &closed);
    EXPECT_FALSE(closed);
    EXPECT_EQ(answers.size(), 2u);
    if (answers.size() != 2) return "";
    EXPECT_EQ(answers[1].header.status, Status::kOk);
    header.type = MessageType::kReply;
    header.status = Status::kError;
    EXPECT_EQ(answers[0].header, header);
    return answers[0].error;
  }
  // Nothing comes back for `bytes`, and a call after them is answered.
  void ExpectDropped(std::vector<uint8_t> bytes) {
    std::vector<uint8_t> good = Message(VersionCall());
    bytes.insert(bytes.end(), good.begin(), good.end());
    auto answers = Answers(bytes);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].header.status, Status::kOk);
  }
  void ExpectClosed(std::span<const uint8_t> bytes) {
    bool closed = false;
    Answers(bytes, &closed);
    EXPECT_TRUE(closed);
  }

  static size_t OpenDescriptors() {
    size_t count = 0;
    DIR* dir = opendir("/proc/self/fd");
    while (readdir(dir)) ++count;
    closedir(dir);
    return count;
  }
};

// The texts are libvirt 9.0's, asked over its socket.
TEST_F(HostileTest, WrongProgramVersionProcedureStatus) {
  Header header = VersionCall();
  header.prog = 0x12345678;
  EXPECT_EQ(ErrorFor(header), "Cannot find program 305419896 version 1");
  header = VersionCall();
  header.vers = 2;
  EXPECT_EQ(ErrorFor(header), "Cannot find program 536903814 version 2");
  for (int32_t number : {0, -1, 454, 9999, 107 /* an event */}) {
    header = VersionCall();
    header.proc = number;
    EXPECT_EQ(ErrorFor(header), "unknown procedure: " + std::to_string(number));
  }
  for (uint32_t status : {1u, 2u, 7u}) {
    header = VersionCall();
    header.status = static_cast<Status>(status);
    EXPECT_EQ(ErrorFor(header), "Unexpected message status " + std::to_string(status));
  }
  header = VersionCall();
  header.proc = proc::DomainLookupByName::info.number;  // without its arguments
  EXPECT_EQ(ErrorFor(header), "Unable to decode message payload");
}

TEST_F(HostileTest, MessagesThatAreNoCallsAreDropped) {
  for (uint32_t type : {1u, 2u, 3u, 5u, 6u, 7u, 100u, 0xffffffffu}) {
    for (uint32_t prog : {0x20008086u, 0x12345678u}) {
      for (uint32_t status : {0u, 1u, 2u, 9u}) {
        Header header = VersionCall();
        header.type = static_cast<MessageType>(type);
        header.prog = prog;
        header.status = static_cast<Status>(status);
        ExpectDropped(Message(header, std::vector<uint8_t>(8, 0x55)));
      }
    }
  }
}

TEST_F(HostileTest, UnknownKeepAliveIsIgnored) {
  ExpectDropped(Message({.prog = 0x6b656570, .vers = 1, .proc = 7, .type = MessageType::kMessage}));
  Header ping_as_call{.prog = 0x6b656570, .vers = 1, .proc = 1};
  EXPECT_EQ(ErrorFor(ping_as_call), "Cannot find program 1801807216 version 1");
}

TEST_F(HostileTest, LengthsThatLie) {
  for (uint32_t length : {0u, 1u, 3u, 4u, 27u, kFrameMax + 1, 0x7fffffffu, 0xffffffffu}) {
    std::vector<uint8_t> bytes = Message(VersionCall());
    PutWord(bytes.data(), length);
    ExpectClosed(bytes);
  }
  // Longer than what follows is a message that is not complete yet.
  for (uint32_t length : {29u, 1000u, kFrameMax}) {
    std::vector<uint8_t> bytes = Message(VersionCall());
    PutWord(bytes.data(), length);
    bool closed = true;
    EXPECT_TRUE(Answers(bytes, &closed).empty());
    EXPECT_FALSE(closed);
  }
}

TEST_F(HostileTest, AnnouncedLengthTakesNoMemory) {
  std::vector<uint8_t> bytes = Message(VersionCall());
  PutWord(bytes.data(), kFrameMax);
  std::vector<std::unique_ptr<Raw>> clients;
  std::vector<std::shared_ptr<ServerSession>> sessions;
  size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Raw>(NewConnection()));
    sessions.push_back(session_);
    clients.back()->Send(bytes);
  }
  Settle();
  EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd - before, 1u << 20);
  clients.clear();
  Settle();
}

TEST_F(HostileTest, EveryTruncationThenHangUp) {
  std::vector<uint8_t> bytes = LookupCall();
  for (size_t size = 0; size < bytes.size(); ++size) {
    Raw raw(NewConnection());
    raw.Send(std::span(bytes).first(size));
    Settle(1ms);
    EXPECT_TRUE(raw.Take().empty()) << size;
    EXPECT_TRUE(session_->connected());
    raw.socket.Reset();
    Settle(1ms);
    EXPECT_FALSE(session_->connected());
  }
}

TEST_F(HostileTest, ByteByByteIsSlowButRight) {
  Raw raw(NewConnection());
  for (uint8_t byte : LookupCall()) {
    raw.Send({&byte, 1});
    Settle(1ms);
  }
  auto answers = Split(raw.Take());
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].header.status, Status::kOk);
}

TEST_F(HostileTest, HalfClosedGetsItsAnswers) {
  Raw raw(NewConnection());
  std::vector<uint8_t> bytes = LookupCall();
  for (int i = 0; i < 3; ++i) raw.Send(bytes);
  shutdown(raw.socket.get(), SHUT_WR);
  Settle();
  EXPECT_EQ(Split(raw.Take()).size(), 3u);
  EXPECT_FALSE(session_->connected());
}

// --- descriptors -----------------------------------------------------------------------------------

TEST_F(HostileTest, TooManyDescriptors) {
  Header header = VersionCall();
  header.type = MessageType::kCallWithFds;
  ExpectClosed(Message(header));  // no count
  ExpectClosed(Message(header, Word(33)));
  ExpectClosed(Message(header, Word(0xffffffff)));
  // Bytes where descriptors should be.
  std::vector<uint8_t> bytes = Message(header, Word(2));
  bytes.push_back(0);
  bytes.push_back(0);
  ExpectClosed(bytes);
}

TEST_F(HostileTest, DescriptorsNobodyWantsAreClosed) {
  size_t before = OpenDescriptors();
  {
    Fd passed(eventfd(0, EFD_CLOEXEC));
    Raw raw(NewConnection());
    Header header = VersionCall();
    header.type = MessageType::kCallWithFds;
    raw.Send(Message(header, Word(2)));
    raw.SendFd(passed.get());
    raw.SendFd(passed.get());
    Settle();
    EXPECT_EQ(Split(raw.Take()).size(), 1u);
    // Not announced: the byte that carries it is the start of a message that makes no sense.
    raw.SendFd(passed.get());
    raw.Send(Message(VersionCall()));
    Settle();
    CloseAll();
  }
  EXPECT_LE(OpenDescriptors(), before);
}

TEST_F(HostileTest, NoDescriptorsOverTcp) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  Raw raw(Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  ASSERT_EQ(connect(raw.socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  auto session = ServerSession::Make(service_, workers_, MakeSocketTransport(std::move(accepted)), {}, {});
  session->set_authenticated(true);
  session->StartServing();
  raw.Send(Message(VersionCall()));
  Settle();
  EXPECT_EQ(Split(raw.Take()).size(), 1u);
  Header header = VersionCall();
  header.type = MessageType::kCallWithFds;
  std::vector<uint8_t> bytes = Message(header, Word(1));
  bytes.push_back(0);
  raw.Send(bytes);
  Settle();
  EXPECT_FALSE(session->connected());
}

// --- clients that do not read ----------------------------------------------------------------------

TEST_F(HostileTest, AnswersNobodyReadsAreBounded) {
  Raw deaf(NewConnection());
  auto deaf_session = session_;
  // Answers of 100 kB, and pings besides.
  struct Driver {
    Task<remote::ConnectGetCapabilitiesRet> GetCapabilities(Call&) {
      ++calls;
      remote::ConnectGetCapabilitiesRet ret;
      ret.capabilities = std::string(100000, 'c');
      co_return ret;
    }
    int calls = 0;
  } driver;
  service_.On<proc::ConnectGetCapabilities>(&driver, &Driver::GetCapabilities);
  Header header = VersionCall();
  header.proc = proc::ConnectGetCapabilities::info.number;
  size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::vector<uint8_t> call = Message(header),
                       ping = Message({.prog = 0x6b656570, .vers = 1, .proc = 1, .type = MessageType::kMessage});
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 100; ++j) {
      deaf.Send(call);
      deaf.Send(ping);
    }
    if (i % 20 == 0) Settle(1ms);
  }
  Settle();
  EXPECT_TRUE(deaf_session->connected());
  EXPECT_LT(driver.calls, 100) << "20,000 were asked for";
  EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd - before, 4u << 20);

  // Others notice nothing.
  client_ = Client::Make(MakeSocketTransport(NewConnection()));
  auto body = [&]() -> Task<> {
    auto begin = Clock::now();
    for (int i = 0; i < 100; ++i) co_await client_->Call<proc::ConnectGetLibVersion>();
    EXPECT_LT(Clock::now() - begin, 1s);
  };
  Run(body());
  deaf.socket.Reset();
  Settle();
  EXPECT_FALSE(deaf_session->connected());
}

TEST_F(HostileTest, AClientThatReadsAgainGetsTheRest) {
  Raw raw(NewConnection());
  struct Driver {
    Task<remote::ConnectGetCapabilitiesRet> GetCapabilities(Call&) {
      remote::ConnectGetCapabilitiesRet ret;
      ret.capabilities = std::string(300000, 'c');
      co_return ret;
    }
  } driver;
  service_.On<proc::ConnectGetCapabilities>(&driver, &Driver::GetCapabilities);
  Header header = VersionCall();
  header.proc = proc::ConnectGetCapabilities::info.number;
  for (int i = 0; i < 50; ++i) raw.Send(Message(header));
  size_t got = 0;
  for (int i = 0; i < 1000 && got < 50u * 300032; ++i) {
    Settle(1ms);
    got += raw.Take().size();
  }
  EXPECT_EQ(got, 50u * 300032);
}

// --- many ------------------------------------------------------------------------------------------

TEST_F(HostileTest, AStormOfConnectionsLeavesNothing) {
  std::vector<uint8_t> call = LookupCall();
  auto storm = [&](int count) {
    std::vector<std::unique_ptr<Raw>> clients;
    std::vector<std::shared_ptr<ServerSession>> sessions;
    for (int i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<Raw>(NewConnection()));
      sessions.push_back(session_);
      if (i % 3 == 0) clients.back()->Send(call);
      if (i % 3 == 1) clients.back()->Send(std::span(call).first(30));
      if (i % 50 == 0) {
        Settle(1ms);
        clients.clear();
        sessions.clear();
      }
    }
    clients.clear();
    Settle();
    for (auto& session : sessions) EXPECT_FALSE(session->connected());
  };
  CloseAll();
  storm(200);
  session_.reset();
  Settle();
  size_t fds = OpenDescriptors();
  size_t memory = mallinfo2().uordblks;
  storm(2000);
  session_.reset();
  Settle();
  EXPECT_EQ(OpenDescriptors(), fds);
  EXPECT_LT(mallinfo2().uordblks, memory + 20000);
}

TEST_F(HostileTest, NoiseOfEveryKind) {
  auto clients_own = session_;
  uint32_t state = 12345;
  auto random = [&] { return state = state * 1664525 + 1013904223; };
  for (int i = 0; i < 300; ++i) {
    Raw raw(NewConnection());
    std::vector<uint8_t> bytes = LookupCall();
    for (int j = 0; j < 4; ++j) bytes[random() % bytes.size()] = static_cast<uint8_t>(random() >> 24);
    raw.Send(bytes);
    Settle(1ms);
    EXPECT_EQ(session_->running_calls(), 0u);
  }
  auto body = [&]() -> Task<> { co_await client_->Call<proc::ConnectGetLibVersion>(); };
  Run(body());
}

}  // namespace
}  // namespace bv::rpc
