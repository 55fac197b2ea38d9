#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rpc/typed_param.h"

namespace bv::qemu {

// virDomainMigrateFlags
namespace migrate {
enum Flag : unsigned {
  kLive = 1u << 0,
  kPeerToPeer = 1u << 1,
  kTunnelled = 1u << 2,
  kPersistDest = 1u << 3,
  kUndefineSource = 1u << 4,
  kPaused = 1u << 5,
  kNonSharedDisk = 1u << 6,
  kNonSharedInc = 1u << 7,
  kChangeProtection = 1u << 8,
  kUnsafe = 1u << 9,
  kOffline = 1u << 10,
  kCompressed = 1u << 11,
  kAbortOnError = 1u << 12,
  kAutoConverge = 1u << 13,
  kRdmaPinAll = 1u << 14,
  kPostcopy = 1u << 15,
  kTls = 1u << 16,
  kParallel = 1u << 17,
  kSynchronousWrites = 1u << 18,
  kPostcopyResume = 1u << 19,
  kZeroCopy = 1u << 20,
};
inline constexpr unsigned kAll = (1u << 21) - 1;
}  // namespace migrate

// What a client says about a migration: the flags and the parameters VIR_MIGRATE_PARAM_*. All calls of
// one migration get the same, as far as they exist by then.
struct MigrationOptions {
  unsigned flags = 0;
  std::optional<std::string> uri, name, xml, persistent_xml, graphics_uri, listen_address, disks_uri, tls_destination;
  std::uint64_t bandwidth = 0;  // MiB/s; 0: what was set for the domain
  std::optional<std::uint64_t> postcopy_bandwidth;
  int disks_port = 0;
  std::vector<std::string> disks;  // to copy; empty: all that can be
  std::vector<std::string> compression;
  std::optional<int> mt_level, mt_threads, mt_dthreads, throttle_initial, throttle_increment, connections;
  std::optional<std::uint64_t> xbzrle_cache;

  bool Has(migrate::Flag flag) const { return flags & flag; }
  bool CopiesDisks() const { return flags & (migrate::kNonSharedDisk | migrate::kNonSharedInc); }
};

// Checks names and types of the parameters: kArgumentUnsupported for one that is none of these, kInvalidArg
// for one of another type or that comes twice, and for flags that go not together or are unknown to `function`.
MigrationOptions ReadMigrationOptions(const std::vector<TypedParam>& params, unsigned flags, const char* function);
// The way back, for a daemon that asks another one.
std::vector<TypedParam> FormatMigrationOptions(const MigrationOptions& options);

// Where QEMU is to connect to: "tcp:HOST:PORT", "tcp://HOST:PORT" or "unix:PATH".
struct MigrationAddress {
  bool unix_socket = false;
  std::string host;  // or path
  unsigned port = 0;
  bool short_form = false;  // no slashes
};
// kArgumentUnsupported for another scheme, kInvalidArg for what is no address.
MigrationAddress ParseMigrationAddress(const std::string& uri);
// HOST:PORT, the host in brackets where it has colons.
std::string HostAndPort(const std::string& host, unsigned port);

}  // namespace bv::qemu
