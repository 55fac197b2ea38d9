#include <sys/socket.h>

#include <charconv>
#include <string>

#include "base/files.h"
#include "daemon/server.h"

namespace bv {

// Field 22 of /proc/PID/stat; the second field is a name that may hold anything, up to its last ')'.
std::optional<std::uint64_t> StartTimeOf(pid_t pid) {
  constexpr int kFieldsBetween = 20;  // from the state, field 3, on
  auto stat = ReadFileIfExists("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  auto at = stat->rfind(')');
  for (int field = 0; field < kFieldsBetween && at != stat->npos; ++field) at = stat->find(' ', at + 1);
  if (at == stat->npos) return std::nullopt;
  std::uint64_t ticks;
  auto parsed = std::from_chars(stat->data() + at + 1, stat->data() + stat->size(), ticks);
  if (parsed.ec != std::errc()) return std::nullopt;
  return ticks;
}

rpc::Identity PeerIdentity(int fd, bool with_start_time) {
  rpc::Identity identity;
  ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return identity;
  identity.uid = peer.uid;
  identity.gid = peer.gid;
  identity.pid = peer.pid;
  if (with_start_time && peer.uid != 0) identity.pid_start_time = StartTimeOf(peer.pid);
  return identity;
}

}  // namespace bv
