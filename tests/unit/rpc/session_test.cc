// Calls through a served session: answers, errors, checks before the handler, admission, events.
#include "rpc_fixture.h"

namespace bv::rpc {
namespace {

namespace proc = remote::proc;
using namespace std::chrono_literals;

class SessionTest : public RpcTest {
 protected:
  Task<> CreateOne() {
    remote::DomainCreateArgs args;
    co_await client_->Call<proc::DomainCreate>(args);
    ++created_;
  }
  Task<> CreateOneInVain() { co_await Failure(CreateOne()); }
  int created_ = 0;
};

TEST_F(SessionTest, AnswersWithTheReturnedStruct) {
  auto body = [&]() -> Task<> {
    auto version = co_await client_->Call<proc::ConnectGetLibVersion>();
    EXPECT_EQ(version.lib_ver, 9000000u);
    remote::DomainLookupByNameArgs args;
    args.name = "vm";
    auto found = co_await client_->Call<proc::DomainLookupByName>(args);
    EXPECT_EQ(found.dom.name, "vm");
    EXPECT_EQ(found.dom.id, 7);
  };
  Run(body());
}

TEST_F(SessionTest, AnswersWithTheThrownError) {
  auto body = [&]() -> Task<> {
    remote::DomainLookupByNameArgs args;
    args.name = "other";
    Error error = co_await Failure(client_->Call<proc::DomainLookupByName>(args));
    EXPECT_EQ(error.code, ErrorCode::kNoDomain);
    EXPECT_EQ(error.domain, ErrorDomain::kQemu);
    EXPECT_EQ(error.message, "Domain not found: other");
  };
  Run(body());
}

// What libvirt 9.0 answers for a driver that lacks a function: domain and name of the public API.
TEST_F(SessionTest, WithoutHandlerIsNotSupported) {
  auto body = [&]() -> Task<> {
    remote::NwfilterGetXmlDescArgs args;
    Error error = co_await Failure(client_->Call<proc::NwfilterGetXmlDesc>(args));
    EXPECT_EQ(error.code, ErrorCode::kNoSupport);
    EXPECT_EQ(error.domain, ErrorDomain::kNwfilter);
    EXPECT_EQ(error.message, "this function is not supported by the connection driver: virNWFilterGetXMLDesc");
  };
  Run(body());
}

TEST_F(SessionTest, ReadOnlyRefusesWhatChanges) {
  SetUpSession({.readonly = true});
  auto body = [&]() -> Task<> {
    co_await client_->Call<proc::ConnectGetLibVersion>();
    remote::DomainCreateArgs args;
    Error error = co_await Failure(client_->Call<proc::DomainCreate>(args));
    EXPECT_EQ(error.code, ErrorCode::kOperationDenied);
    EXPECT_EQ(error.domain, ErrorDomain::kDomain);
    EXPECT_EQ(error.message, "operation forbidden: read only access prevents virDomainCreate");
  };
  Run(body());
}

TEST_F(SessionTest, OnlyPreauthProceduresBeforeAuthentication) {
  session_->set_authenticated(false);
  auto body = [&]() -> Task<> {
    Error error = co_await Failure(client_->Call<proc::ConnectGetLibVersion>());
    EXPECT_EQ(error.code, ErrorCode::kRpc);
    EXPECT_EQ(error.domain, ErrorDomain::kRpc);
    EXPECT_EQ(error.message, "authentication required");
    error = co_await Failure(client_->Call<proc::AuthList>());
    EXPECT_EQ(error.code, ErrorCode::kNoSupport);
  };
  Run(body());
}

TEST_F(SessionTest, ReadsNoMoreThanMaxRequests) {
  SetUpSession({.max_requests = 3});
  for (int i = 0; i < 10; ++i) Spawn(CreateOne(), "create");
  Settle();
  EXPECT_EQ(driver_.running, 3);
  driver_.release.Set();
  Settle();
  EXPECT_EQ(created_, 10);
  EXPECT_EQ(driver_.most_running, 3);
  EXPECT_EQ(session_->running_calls(), 0u);
}

TEST_F(SessionTest, WorkersAdmitPriorityCallsWhenAllOthersAreBusy) {
  workers_.SetLimits(2, 1);
  for (int i = 0; i < 4; ++i) Spawn(CreateOne(), "create");
  Settle();
  EXPECT_EQ(driver_.running, 2);
  EXPECT_EQ(workers_.waiting(), 2u);
  auto body = [&]() -> Task<> { co_await client_->Call<proc::ConnectGetLibVersion>(); };
  Run(body());  // libvirt gives this one priority
  driver_.release.Set();
  Settle();
  EXPECT_EQ(created_, 4);
  EXPECT_EQ(workers_.running() + workers_.priority_running(), 0u);
}

TEST_F(SessionTest, CallsOutliveTheClient) {
  Spawn(CreateOneInVain(), "create");
  Settle();
  client_->Close();
  Settle();
  EXPECT_EQ(gone_, 1);
  EXPECT_FALSE(session_->connected());
  EXPECT_EQ(driver_.running, 1);
  driver_.release.Set();
  Settle();
  EXPECT_EQ(driver_.ended_without_client, 1);
}

TEST_F(SessionTest, StateGoesAfterTheLastCall) {
  struct Mark {
    ~Mark() { ++*gone; }
    int* gone = nullptr;
  };
  int states_gone = 0, closed = 0;
  session_->State<Mark>().gone = &states_gone;
  session_->OnClose([&] { ++closed; });
  session_->RemoveOnClose(session_->OnClose([&] { closed += 100; }));
  Spawn(CreateOneInVain(), "create");
  Settle();
  client_->Close();
  Settle();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(states_gone, 0);
  driver_.release.Set();
  Settle();
  EXPECT_EQ(states_gone, 1);
}

TEST_F(SessionTest, DescriptorsPassBothWays) {
  auto body = [&]() -> Task<> {
    Client::Extra extra;
    remote::DomainOpenGraphicsFdArgs args;
    co_await client_->Call<proc::DomainOpenGraphicsFd>(args, &extra);
    EXPECT_EQ(extra.reply_fds.size(), 1u);
    char text[6] = {};
    EXPECT_EQ(read(extra.reply_fds.at(0).get(), text, 5), 5);
    EXPECT_STREQ(text, "hello");

    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    Fd reader(ends[0]);
    extra.fds.emplace_back(ends[1]);
    remote::DomainOpenGraphicsArgs graphics;
    co_await client_->Call<proc::DomainOpenGraphics>(graphics, &extra);
    EXPECT_EQ(read(reader.get(), text, 5), 5);
    EXPECT_STREQ(text, "there");
    EXPECT_EQ(read(reader.get(), text, 1), 0) << "the server kept the descriptor open";
  };
  Run(body());
}

TEST_F(SessionTest, EventsArriveInOrder) {
  std::string seen;
  client_->OnEvent<proc::DomainEventLifecycle>([&](const remote::DomainEventLifecycleMsg& message) {
    seen += message.dom.name + std::to_string(message.event) + " ";
  });
  for (int i = 0; i < 3; ++i) {
    remote::DomainEventLifecycleMsg message;
    message.dom.name = "vm";
    message.event = i;
    session_->SendEvent<proc::DomainEventLifecycle>(message);
  }
  Settle();
  EXPECT_EQ(seen, "vm0 vm1 vm2 ");
}

TEST_F(SessionTest, AClientThatReadsNoEventsIsLetGo) {
  Fd deaf = NewConnection();
  remote::DomainEventLifecycleMsg message;
  message.dom.name = std::string(100000, 'x');
  int sent = 0;
  while (session_->connected() && sent < 10000) {
    for (int i = 0; i < 10; ++i, ++sent) session_->SendEvent<proc::DomainEventLifecycle>(message);
    Settle(1ms);
  }
  EXPECT_FALSE(session_->connected());
  EXPECT_LT(sent, 200) << "bounded by 8 MiB of queued events";
  EXPECT_EQ(gone_, 1);
}

TEST_F(SessionTest, KeepAliveAnswersAndGivesUp) {
  SessionOptions options{.keepalive_interval = 30ms, .keepalive_count = 2};
  SetUpSession(options);
  session_->StartKeepAlive();
  Settle(200ms);
  EXPECT_TRUE(session_->connected()) << "the client answers pings";
  Fd silent = NewConnection(options);
  session_->StartKeepAlive();
  auto begin = Clock::now();
  while (session_->connected() && Clock::now() - begin < 10s) Settle(1ms);
  EXPECT_FALSE(session_->connected());
  EXPECT_GE(Clock::now() - begin, 90ms) << "it takes interval * (count + 1)";
}

TEST_F(SessionTest, AListOverItsLimitIsAnErrorReply) {
  struct Driver {
    Task<remote::ConnectListDomainsRet> List(Call&, remote::ConnectListDomainsArgs) {
      remote::ConnectListDomainsRet ret;
      ret.ids.resize(remote::kDomainListMax + 1);
      co_return ret;
    }
  } driver;
  service_.On<proc::ConnectListDomains>(&driver, &Driver::List);
  auto body = [&]() -> Task<> {
    remote::ConnectListDomainsArgs args;
    Error error = co_await Failure(client_->Call<proc::ConnectListDomains>(args));
    EXPECT_EQ(error.code, ErrorCode::kRpc);
    co_await client_->Call<proc::ConnectGetLibVersion>();
  };
  Run(body());
}

TEST_F(SessionTest, RoutesToTheConnectionsDrivers) {
  struct Driver {
    Task<remote::ConnectGetTypeRet> GetType(Call&) {
      remote::ConnectGetTypeRet ret;
      ret.type = type;
      co_return ret;
    }
    std::string type;
  } qemu{"QEMU"}, lxc{"LXC"};
  service_.set_owner(&qemu);
  service_.On<proc::ConnectGetType>(&qemu, &Driver::GetType);
  service_.set_owner(&lxc);
  service_.On<proc::ConnectGetType>(&lxc, &Driver::GetType);
  auto body = [&]() -> Task<> {
    session_->RouteTo({&lxc});
    auto type = co_await client_->Call<proc::ConnectGetType>();
    EXPECT_EQ(type.type, "LXC");
    co_await client_->Call<proc::ConnectGetLibVersion>();  // nobody's in particular
    session_->RouteTo({&qemu});
    type = co_await client_->Call<proc::ConnectGetType>();
    EXPECT_EQ(type.type, "QEMU");
  };
  Run(body());
}

}  // namespace
}  // namespace bv::rpc
