#include "qemu/migration/cookie.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "host/host_uuid.h"
#include "qemu/migration/options.h"
#include "qemu/migration/state.h"

namespace bv::qemu {
namespace {

const Uuid kGuest = *Uuid::Parse("760b76ff-01df-416d-9737-4022a5022fb7");

// As the original writes it, but for what `extra` adds.
std::string Text(const std::string& extra = {}, const std::string& host = "c39d6a70-58ab-4a2f-9ba1-000000000002") {
  return "<qemu-migration><name>g</name><uuid>760b76ff-01df-416d-9737-4022a5022fb7</uuid><hostname>other</hostname><hostuuid>" + host +
         "</hostuuid>" + extra + "</qemu-migration>" + '\0';
}

std::string Refusal(const std::string& text, const std::string& name = "g", const Uuid& uuid = kGuest) {
  try {
    MigrationCookie::Parse(text, name, uuid, host::HostUuid());
  } catch (const Error& error) {
    return error.message;
  }
  return {};
}

TEST(MigrationCookie, ComesBackAsItWas) {
  MigrationCookie cookie;
  cookie.name = "g";
  cookie.uuid = kGuest;
  cookie.host_name = "here <&>";
  cookie.host_uuid = *Uuid::Parse("c39d6a70-58ab-4a2f-9ba1-000000000002");
  cookie.wants_lock_state = true;
  cookie.graphics = MigrationCookie::Graphics{.type = "spice", .listen = "::", .tls_subject = "CN=x", .port = 5900, .tls_port = -1};
  cookie.nbd = MigrationCookie::Nbd{.port = 49153, .disks = {{"vda", 16777216}, {"vdb", 1}}};
  cookie.capabilities = {{"xbzrle", false}, {"late-block-activate", true}};
  cookie.statistics = std::make_unique<CompletedJob>();
  cookie.statistics->started_ms = 1795661928662;
  cookie.statistics->elapsed_ms = 2641;
  cookie.statistics->downtime_ms = 9;
  cookie.statistics->setup_ms = 1;
  cookie.statistics->delta_ms = -7;
  cookie.statistics->ram = Json::Object({{"total", 71704576}, {"transferred", 284641}, {"mbps", 180.38}});
  auto text = cookie.Format();
  EXPECT_EQ(text.back(), '\0');
  auto back = MigrationCookie::Parse(text, "g", kGuest, host::HostUuid());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->host_name, cookie.host_name);
  EXPECT_TRUE(back->wants_lock_state);
  EXPECT_EQ(back->graphics->tls_subject, "CN=x");
  EXPECT_EQ(back->graphics->tls_port, -1);
  EXPECT_EQ(back->nbd->port, 49153u);
  ASSERT_EQ(back->nbd->disks.size(), 2u);
  EXPECT_EQ(back->nbd->disks[0].capacity, 16777216u);
  ASSERT_EQ(back->capabilities->size(), 2u);
  EXPECT_TRUE(back->capabilities->at(1).automatic);
  EXPECT_EQ(back->statistics->started_ms, 1795661928662u);
  EXPECT_EQ(back->statistics->delta_ms, -7);
  EXPECT_EQ(back->statistics->ram["transferred"].AsUint(), 284641u);
  EXPECT_NEAR(*back->statistics->ram["mbps"].AsDouble(), 180.38, 0.01);
}

TEST(MigrationCookie, NoneIsNone) { EXPECT_EQ(MigrationCookie::Parse("", "g", kGuest, host::HostUuid()), nullptr); }

TEST(MigrationCookie, IsRefusedWhereItDoesNotBelong) {
  EXPECT_EQ(Refusal(Text()), "");
  auto bare = Text();
  bare.pop_back();
  EXPECT_NE(Refusal(bare).find("end with a NUL"), std::string::npos);
  EXPECT_NE(Refusal(Text(), "h").find("of guest 'g', not of 'h'"), std::string::npos);
  EXPECT_NE(Refusal(Text(), "g", Uuid()).find("with UUID"), std::string::npos);
  EXPECT_EQ(Refusal(Text({}, host::HostUuid().ToString())),
            "internal error: Attempt to migrate guest to the same host " + host::HostUuid().ToString());
  EXPECT_NE(Refusal(Text("<feature name='magic'/>")), "");
  EXPECT_NE(Refusal(std::string("<qemu-migration><name>g</name></qemu-migration>") + '\0'), "");
  EXPECT_NE(Refusal(std::string("garbage") + '\0'), "");
  EXPECT_EQ(Refusal(Text("<unknown/><feature name='lockstate'/>")), "");
}

TEST(MigrationOptions, AreCheckedAndComeBack) {
  std::vector<TypedParam> params{{"migrate_uri", std::string("tcp:h:1")}, {"bandwidth", std::uint64_t{7}}, {"migrate_disks", std::string("vda")},
                                 {"migrate_disks", std::string("vdb")},   {"parallel.connections", 3}};
  auto options = ReadMigrationOptions(params, migrate::kLive | migrate::kParallel, "f");
  EXPECT_EQ(options.uri, "tcp:h:1");
  EXPECT_EQ(options.disks.size(), 2u);
  EXPECT_EQ(options.connections, 3);
  auto back = ReadMigrationOptions(FormatMigrationOptions(options), options.flags, "f");
  EXPECT_EQ(back.bandwidth, 7u);
  EXPECT_EQ(back.disks, options.disks);

  auto refusal = [](std::vector<TypedParam> given, unsigned flags = 0) -> std::string {
    try {
      ReadMigrationOptions(given, flags, "f");
    } catch (const Error& error) {
      return error.message;
    }
    return {};
  };
  EXPECT_EQ(refusal({{"foo", 1}}), "argument unsupported: parameter 'foo' not supported");
  EXPECT_EQ(refusal({{"migrate_uri", std::uint64_t{1}}}), "invalid argument: invalid type 'ullong' for parameter 'migrate_uri', expected 'string'");
  EXPECT_NE(refusal({{"bandwidth", std::uint64_t{1}}, {"bandwidth", std::uint64_t{2}}}), "");
  EXPECT_EQ(refusal({}, 1u << 25), "unsupported flags (0x2000000) in function f");
  EXPECT_NE(refusal({}, migrate::kNonSharedDisk | migrate::kNonSharedInc), "");
}

TEST(MigrationAddress, IsReadInAllItsForms) {
  struct Row {
    const char* uri;
    const char* host;
    unsigned port;
  };
  for (auto& row : {Row{"tcp:192.0.2.2:49152", "192.0.2.2", 49152}, Row{"tcp://host:1", "host", 1}, Row{"tcp:host", "host", 0},
                    Row{"tcp:[fe80::1]:5", "fe80::1", 5}, Row{"unix:/run/x", "/run/x", 0}, Row{"unix:///run/x", "/run/x", 0}}) {
    auto address = ParseMigrationAddress(row.uri);
    EXPECT_EQ(address.host, row.host) << row.uri;
    EXPECT_EQ(address.port, row.port) << row.uri;
  }
  for (auto* uri : {"", "tcp", "foo://x", "tcp:", "unix:", "tcp:host:notaport"}) EXPECT_THROW(ParseMigrationAddress(uri), Error) << uri;
  EXPECT_EQ(HostAndPort("::", 1), "[::]:1");
  EXPECT_EQ(HostAndPort("h", 1), "h:1");
}

TEST(MigrationPhase, HasTheNamesOfStatusFiles) {
  for (auto* name : {"begin3", "perform3", "perform3_done", "confirm3", "prepare", "finish3"}) {
    auto phase = ParsePhase(name);
    ASSERT_TRUE(phase) << name;
    EXPECT_EQ(PhaseName(*phase), name);
  }
  EXPECT_FALSE(ParsePhase("later"));
}

}  // namespace
}  // namespace bv::qemu
