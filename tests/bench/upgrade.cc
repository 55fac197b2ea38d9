// How long a writer of a log and a taker of leases wait while virtlogd and virtlockd execute themselves anew (SIGUSR1).
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "client.h"
#include "measures.h"
#include "protocol/lock_protocol.h"
#include "protocol/log_protocol.h"

namespace bench {
namespace {

namespace lock = bv::lock_protocol;
namespace log = bv::log_protocol;

constexpr auto kBetween = std::chrono::milliseconds(250);

std::string SocketOf(const std::string& name) { return "/run/libvirt/" + name + "-sock"; }

// A client that does not wait for ever for an answer that an upgrade has lost.
Client ConnectTo(const std::string& name) {
  Client client(SocketOf(name));
  timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return client;
}

// The write end of a new log's pipe: the one reply that carries a descriptor.
int OpenLog(Client& client, const std::string& path) {
  log::DomainOpenLogFileArgs args;
  args.driver = "qemu";
  args.dom.name = "bench";
  args.path = path;
  client.Send(EncodeCall<log::proc::DomainOpenLogFile>(args));
  for (int pipe = -1; pipe < 0;) {
    char bytes[256];
    iovec part{bytes, sizeof bytes};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(client.fd(), &message, MSG_CMSG_CLOEXEC) <= 0) Die("virtlogd gives no pipe");
    if (cmsghdr* header = CMSG_FIRSTHDR(&message)) memcpy(&pipe, CMSG_DATA(header), sizeof pipe);
    if (pipe >= 0) return pipe;
  }
  return -1;
}

// Does `step` over and over while the daemon upgrades itself `count` times; the longest that it took, in ms.
template <typename Step>
double LongestDuring(const Daemon& daemon, int count, Step step) {
  double longest = 0;
  auto next = Clock::now() + kBetween;
  for (int done = 0; done <= count;) {
    auto begin = Clock::now();
    step();
    longest = std::max(longest, Since(begin) * 1000);
    if (Clock::now() < next) continue;
    if (done++ < count) kill(daemon.pid(), SIGUSR1);
    next = Clock::now() + kBetween;
  }
  return longest;
}

double Writer(const Side& side, int count) {
  Daemon daemon(side, "virtlogd", SocketOf("virtlogd"));
  Client client = ConnectTo("virtlogd");
  int pipe = OpenLog(client, "/var/log/libvirt/bench.log");
  // As a talkative guest: the pipe holds what it says in 100 ms, so that a wait shows.
  std::string text(6400, 'x');
  double longest = LongestDuring(daemon, count, [&] {
    if (write(pipe, text.data(), text.size()) < 0) Die("virtlogd has lost a log");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  close(pipe);
  return longest;
}

double Locker(const Side& side, int count) {
  Daemon daemon(side, "virtlockd", SocketOf("virtlockd"));
  Client client = ConnectTo("virtlockd");
  lock::RegisterArgs owner;
  owner.owner.name = "bench";
  owner.owner.id = 1;
  owner.owner.pid = 1;
  client.Call<lock::proc::Register>(owner);
  lock::AcquireResourceArgs acquire;
  acquire.name = "/var/lib/libvirt/images/bench-lease";
  WriteWhole(acquire.name, "");
  lock::ReleaseResourceArgs release;
  release.name = acquire.name;
  return LongestDuring(daemon, count, [&] {
    client.Call<lock::proc::AcquireResource>(acquire);
    client.Call<lock::proc::ReleaseResource>(release);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
}

}  // namespace

void MeasureUpgrade(const Side& side, bool quick, Samples& samples) {
  int count = quick ? 5 : 20;
  struct {
    const char* row;
    double (*measure)(const Side& side, int count);
  } measures[] = {{"longest write, upgrades", Writer}, {"longest lock, upgrades", Locker}};
  for (auto& [row, measure] : measures) {
    try {
      samples[row] = {measure(side, count), 0};
    } catch (const Failure& failure) {
      fprintf(stderr, "%s, %s: %s\n", side.name.c_str(), row, failure.what());
    }
  }
}

}  // namespace bench
