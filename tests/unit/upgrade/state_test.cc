// The state file: what is written is read again, libvirt's own is read too, and what is wrong is refused.
#include "upgrade/state.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "base/error.h"
#include "upgrade/fds.h"

namespace bv::upgrade {
namespace {

SavedDaemon Example() {
  SavedClient client{.id = 7,
                     .auth = 2,
                     .auth_pending = true,
                     .readonly = true,
                     .keeps_alive = true,
                     .max_requests = 9,
                     .since = 1700000000,
                     .connection = {.socket = 21,
                                    .input = std::string("\0\1\2", 3),
                                    .input_fds = {22, 23},
                                    .output = {{"abc", {24}}, {"", {25}}},
                                    .closing = true},
                     .identity = rpc::Identity{.uid = 4294967295u, .pid = 12, .pid_start_time = 99, .sasl_user = "fred"},
                     .private_data = Json::Object({{"uri", "test:///x"}})};
  SavedServer server{.name = "libvirtd",
                     .min_workers = 1,
                     .max_workers = 2,
                     .priority_workers = 3,
                     .max_clients = 4,
                     .max_anonymous_clients = 5,
                     .keepalive_interval = -1,
                     .keepalive_count = 6,
                     .next_client_id = 8,
                     .services = {{.socket = 20, .auth = 1, .readonly = true, .max_requests = 11, .own_file = true, .tls = true}},
                     .clients = {client}};
  return {.pid = 4711,
          .start_time = 5,
          .servers = {server},
          .pid_file = 18,
          .image = 19,
          .timeout = 120,
          .log_filters = "1:qemu",
          .log_outputs = "1:stderr",
          .document = Json::Object({{"driver", "its own"}})};
}

TEST(StateTest, WhatIsWrittenIsReadAgain) {
  std::string text = Format(Example());
  SavedDaemon read = Parse(text);
  EXPECT_EQ(Format(read), text);
  EXPECT_EQ(read.pid, 4711);
  EXPECT_EQ(read.image, 19);
  EXPECT_EQ(read.timeout, 120u);
  EXPECT_EQ(read.document.Find("driver").AsString(), "its own");
  ASSERT_EQ(read.servers.size(), 1u);
  const SavedServer& server = read.servers[0];
  EXPECT_EQ(server.keepalive_interval, -1);
  EXPECT_EQ(server.next_client_id, 8u);
  EXPECT_TRUE(server.services.at(0).own_file && server.services.at(0).tls && server.services.at(0).readonly);
  const SavedClient& client = server.clients.at(0);
  EXPECT_EQ(client.connection.input, std::string("\0\1\2", 3));
  EXPECT_EQ(client.connection.input_fds, (std::vector<int>{22, 23}));
  ASSERT_EQ(client.connection.output.size(), 2u);
  EXPECT_EQ(client.connection.output[1].fds, std::vector<int>{25});
  EXPECT_TRUE(client.connection.closing && client.keeps_alive && client.readonly && client.auth_pending);
  ASSERT_TRUE(client.identity);
  EXPECT_EQ(client.identity->uid, 4294967295u);
  EXPECT_EQ(client.identity->gid, std::nullopt);
  EXPECT_EQ(client.identity->sasl_user, "fred");
  EXPECT_EQ(client.private_data.Find("uri").AsString(), "test:///x");
}

// As Debian's virtlogd 9.0.0 writes it.
TEST(StateTest, ReadsWhatTheOriginalWrites) {
  SavedDaemon read = Parse(R"({"daemon": {"servers": {"virtlogd": {"min_workers": 0, "max_workers": 0, "priority_workers": 0,
    "max_clients": 1024, "max_anonymous_clients": 1024, "keepaliveInterval": 4294967295, "keepaliveCount": 0,
    "next_client_id": 2, "services": [{"auth": 0, "readonly": false, "nrequests_client_max": 1,
    "socks": [{"fd": 4, "errfd": -1, "pid": 0, "isClient": false, "unlinkUNIX": true}]}],
    "clients": [{"id": 1, "auth": 0, "auth_pending": false, "readonly": false, "nrequests_max": 1, "conn_time": 1795612752,
    "sock": {"fd": 9, "errfd": -1, "pid": 0, "isClient": true, "unlinkUNIX": false}, "privateData": {}}]}}},
    "magic": "37", "handler": {"files": []}})");
  EXPECT_EQ(read.pid, 37);
  EXPECT_EQ(read.start_time, std::nullopt);
  EXPECT_EQ(read.image, -1);
  ASSERT_EQ(read.servers.size(), 1u);
  EXPECT_EQ(read.servers[0].services.at(0).socket, 4);
  EXPECT_TRUE(read.servers[0].services[0].own_file);
  EXPECT_EQ(read.servers[0].clients.at(0).connection.socket, 9);
  EXPECT_FALSE(read.servers[0].clients[0].identity);
}

TEST(StateTest, RefusesWhatIsNoState) {
  for (const char* text : {
           "", "[]", "{}", R"({"magic": 37})", R"({"magic": "x"})", R"({"magic": "-3"})", R"({"magic": "37x"})",
           R"({"magic": "99999999999"})", R"({"magic": "1", "busyvirt": {}})", R"({"magic": "1", "busyvirt": {"version": 2}})",
           R"({"magic": "1", "busyvirt": {"version": -1}})", R"({"magic": "1", "busyvirt": {"version": 1, "pidFile": "x"}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"max_clients": -1}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"max_clients": 4294967296}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"services": [{"auth": 3, "socks": [{"fd": 4}]}]}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"services": [{"socks": [{}]}]}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"clients": [{}]}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"clients": [{"sock": {"fd": 4}, "busyvirt": {"input": "?"}}]}}}})",
           R"({"magic": "1", "daemon": {"servers": {"a": {"clients": [{"sock": {"fd": 4}, "busyvirt": {"inputFds": ["4"]}}]}}}})",
       }) {
    EXPECT_THROW(Parse(text), Error) << text;
  }
}

TEST(InheritedFdsTest, EachCanBeTakenOnce) {
  Fd fd(eventfd(0, 0));
  InheritedFds fds;
  int number = fd.get();
  Fd taken = fds.Take(Json(number));
  fd.Release();
  EXPECT_EQ(taken.get(), number);
  EXPECT_EQ(fcntl(number, F_GETFD), FD_CLOEXEC);
  for (Json bad : {Json(number), Json(0), Json(2), Json(-1), Json(9999), Json(5000000000), Json("3"), Json()}) {
    EXPECT_THROW(fds.Take(bad), Error) << bad.Dump();
  }
}

TEST(PassedFdsTest, StayOpenOnlyForTheExec) {
  PassedFds fds;
  Fd fd(eventfd(0, EFD_CLOEXEC));
  fds.Pass(fd.get());
  int bytes = fds.PassBytes("secret");
  fds.KeepOpen();
  EXPECT_EQ(fcntl(fd.get(), F_GETFD) | fcntl(bytes, F_GETFD), 0);
  fds.CloseOnExec();
  EXPECT_EQ(fcntl(fd.get(), F_GETFD) & fcntl(bytes, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(InheritedFds().TakeBytes(dup(bytes)), "secret");
}

}  // namespace
}  // namespace bv::upgrade
