#include "daemon/config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "daemon/config_rows.h"

namespace bv {
namespace {

const Personality& P(std::string_view name) { return *FindPersonality(name); }

std::string FailureOf(std::string_view daemon, std::string_view text) {
  try {
    ParseConfig(P(daemon), text, "x.conf");
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(ConfigTest, Defaults) {
  DaemonConfig config = DefaultConfig(P("libvirtd"));
  EXPECT_TRUE(config.listen_tls);
  EXPECT_EQ("16509", config.tcp_port);
  EXPECT_EQ(5000u, config.main.max_clients);
  EXPECT_EQ(config.admin.max_clients, 5000u);
  EXPECT_EQ(0u, config.admin.prio_workers);
  EXPECT_EQ(1024u, DefaultConfig(P("virtlogd")).main.max_clients);
  EXPECT_EQ(2097152u, DefaultConfig(P("virtlogd")).max_size);
}

TEST(ConfigTest, UnixSocketsOpenWherePolkitAsks) {
  DaemonConfig config = DefaultConfig(P("virtqemud"));
  EXPECT_EQ(AuthScheme::kPolkit, config.UnixAuth(false, true));
  EXPECT_EQ(AuthScheme::kNone, config.UnixAuth(false, false));
  EXPECT_EQ("0777", config.UnixPermissions(false, true));
  EXPECT_EQ("0700", config.UnixPermissions(false, false));
  config = ParseConfig(P("virtqemud"), "auth_unix_rw = \"none\"\n", "x.conf");
  EXPECT_EQ("0700", config.UnixPermissions(false, true));
}

// What is installed, with every comment sign before a key taken away, must be accepted.
TEST(ConfigTest, TemplatesParse) {
  for (const Personality& personality : Personalities()) {
    std::string text = ConfigTemplate(personality), active;
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\n', at);
      std::string line = text.substr(at, end - at + 1);
      bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '\n';
      active += key ? line.substr(1) : line;
      at = end + 1;
    }
    EXPECT_NO_THROW(ParseConfig(personality, text, "as installed"));
    EXPECT_NO_THROW(ParseConfig(personality, active, "all active")) << personality.name;
  }
}

TEST(ConfigTest, ErrorsSayWhereAndWhat) {
  struct {
    const char* text;
    const char* message;
  } rows[] = {
      {"\nmax_clients = \"x\"\n", "x.conf:2: expected an unsigned integer for 'max_clients' parameter"},
      {"max_clients = -1\n", "x.conf:1: expected an unsigned integer for 'max_clients' parameter"},
      {"max_queued_clients = 99999999999\n", "value for 'max_queued_clients' parameter must be in range 0:4294967295"},
      {"max_workers = 0\n", "'max_workers' must be greater than 0"},
      {"listen_tls = 2\n", "value for 'listen_tls' parameter must be 0 or 1"},
      {"listen_tls = \"1\"\n", "expected a bool for 'listen_tls' parameter"},
      {"tls_port = 1\n", "expected a string for 'tls_port' parameter"},
      {"auth_unix_rw = \"bogus\"\n", "auth_unix_rw: unsupported auth bogus"},
      {"access_drivers = \"polkit\"\n", "expected a string list for 'access_drivers' parameter"},
      {"tcp_min_ssf = 12\n", "minimum SSF levels lower than 112 are not supported"},
      {"nonsense = 1\n", "unknown key 'nonsense'"},
      {"max_size = 1\n", "unknown key 'max_size'"},
  };
  for (const auto& row : rows) {
    EXPECT_NE(FailureOf("libvirtd", row.text).find(row.message), std::string::npos)
        << row.text << FailureOf("libvirtd", row.text);
  }
}

TEST(ConfigTest, KeysBelongToTheirDaemons) {
  EXPECT_EQ("none", FailureOf("virtproxyd", "listen_tcp = 1\n"));
  EXPECT_NE("none", FailureOf("virtqemud", "listen_tcp = 1\n"));
  EXPECT_EQ("none", FailureOf("virtlogd", "max_size = 0\n"));
  EXPECT_EQ("none", FailureOf("libvirtd", "keepalive_required = 1\nkeepalive_interval = -1\n"));
}

}  // namespace
}  // namespace bv
