// The bare limit: a static process that answers every frame with one of a fixed size, from one epoll loop. What it needs is
// what the kernel, the socket and the frames cost; all else is the daemon's own.
//   echo PATH REPLY_BYTES
//   echo PATH --relay NEXT      the same for what stands in between: passes on what comes, to a connection of its own for each
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr size_t kIn = 65536;
struct Peer {
  int fd;
  Peer* other;  // where a relay passes on to
  size_t have;
  char in[kIn];
};
char* g_reply;
size_t g_size;

void SendAll(int fd, const char* data, size_t size) {
  while (size) {
    ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return;
    data += n;
    size -= n;
  }
}

// Answers the whole frames that have come; false when the peer is gone.
bool Serve(Peer* peer) {
  ssize_t n = recv(peer->fd, peer->in + peer->have, kIn - peer->have, 0);
  if (n <= 0) return false;
  peer->have += n;
  static char batch[1 << 20];
  size_t at = 0, out = 0;
  while (peer->have - at >= 4) {
    uint32_t size;
    memcpy(&size, peer->in + at, 4);
    size = ntohl(size);
    if (size < 28 || size > kIn) return false;
    if (peer->have - at < size) break;
    at += size;
    if (out + g_size > sizeof(batch)) {
      SendAll(peer->fd, batch, out);
      out = 0;
    }
    if (g_size > sizeof(batch)) {
      SendAll(peer->fd, g_reply, g_size);
      continue;
    }
    memcpy(batch + out, g_reply, g_size);
    out += g_size;
  }
  SendAll(peer->fd, batch, out);
  memmove(peer->in, peer->in + at, peer->have - at);
  peer->have -= at;
  return true;
}

bool PassOn(Peer* peer) {
  ssize_t n = recv(peer->fd, peer->in, kIn, 0);
  if (n <= 0) return false;
  SendAll(peer->other->fd, peer->in, n);
  return true;
}

Peer* Watch(int poller, int fd) {
  auto* added = static_cast<Peer*>(calloc(1, sizeof(Peer)));
  added->fd = fd;
  epoll_event event{EPOLLIN, {added}};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  return added;
}

sockaddr_un Address(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  return address;
}

int Connect(const char* path) {
  sockaddr_un address = Address(path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address))) exit(1);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  const char* next = argc == 4 ? argv[3] : nullptr;
  if (argc != 3 && !next) return 2;
  g_size = next ? 0 : strtoul(argv[2], nullptr, 10);
  if (g_size < 28) g_size = 28;
  g_reply = static_cast<char*>(calloc(1, g_size));
  uint32_t word = htonl(g_size);
  memcpy(g_reply, &word, 4);
  word = htonl(1);
  memcpy(g_reply + 16, &word, 4);  // type: reply

  sockaddr_un address = Address(argv[1]);
  unlink(argv[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) || listen(listener, 4096)) return 1;
  int poller = epoll_create1(0);
  epoll_event event{EPOLLIN, {nullptr}};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    epoll_event events[64];
    int n = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < n; i++) {
      auto* peer = static_cast<Peer*>(events[i].data.ptr);
      if (!peer) {
        Peer* added = Watch(poller, accept(listener, nullptr, nullptr));
        if (!next) continue;
        added->other = Watch(poller, Connect(next));
        added->other->other = added;
      } else if (peer->other ? !PassOn(peer) : !Serve(peer)) {
        close(peer->fd);
        if (!peer->other) {
          free(peer);
        } else if (peer->fd >= 0) {
          // Both sides go; not freed, as the other may stand among these events.
          close(peer->other->fd);
          peer->fd = peer->other->fd = -1;
        }
      }
    }
  }
}
