// virtlockd: pairs of acquire and release a second. The limit is what nobody can avoid: two round trips on a socket (the echo
// program) and one open, lock, unlock and close of the same file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "client.h"
#include "measures.h"
#include "protocol/lock_protocol.h"

namespace bench {
namespace {

namespace lock_protocol = bv::lock_protocol;
const std::string kLockSocket = "/run/libvirt/virtlockd-sock";
constexpr size_t kReplySize = 28;

std::string MakeDisk(int number) {
  std::string path = fmt::format("{}/bench-{}", kImages, number);
  WriteWhole(path, "");
  return path;
}

// One client and the two calls it makes.
struct Locker {
  Locker(const std::string& socket, int number) : client(socket) {
    acquire = EncodeCall<lock_protocol::proc::AcquireResource>({.path = {}, .name = {MakeDisk(number)}});
    release = EncodeCall<lock_protocol::proc::ReleaseResource>({.path = {}, .name = {MakeDisk(number)}});
  }
  void Register(uint32_t pid) { client.Call<lock_protocol::proc::Register>({.owner = {.name = {"bench"}, .id = pid, .pid = pid}}); }
  void Pair() {
    client.Exchange(acquire);
    client.Exchange(release);
  }
  Client client;
  std::string acquire, release;
};

double Seconds(std::vector<Locker>& lockers, int pairs) {
  auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (auto& locker : lockers) threads.emplace_back([&] { for (int i = 0; i < pairs; i++) locker.Pair(); });
  for (auto& thread : threads) thread.join();
  return Since(begin);
}

double BareSeconds(int pairs) {
  std::string path = MakeDisk(0);
  auto begin = Clock::now();
  for (int i = 0; i < pairs; i++) {
    int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1, .l_pid = 0};
    if (fcntl(fd, F_SETLK, &lock) != 0) Die("somebody holds " + path);
    lock.l_type = F_UNLCK;
    fcntl(fd, F_SETLK, &lock);
    close(fd);
  }
  return Since(begin);
}

std::vector<Locker> Connect(const std::string& socket, int count) {
  std::vector<Locker> lockers;
  for (int i = 0; i < count; i++) lockers.emplace_back(socket, i);
  return lockers;
}

Sample RunPairs(int clients, int pairs, int rounds) {
  auto lockers = Connect(kLockSocket, clients);
  for (int i = 0; i < clients; i++) lockers[i].Register(100000 + i);
  std::vector<double> rates, limits;
  for (int round = 0; round < rounds; round++) {
    Process echo = StartEcho(kReplySize);
    auto echoes = Connect(kEchoSocket, clients);
    limits.push_back(clients * pairs / (Seconds(echoes, pairs) + BareSeconds(clients * pairs)));
    rates.push_back(clients * pairs / Seconds(lockers, pairs));
  }
  return {Median(rates), Median(limits)};
}

}  // namespace

void MeasureLocks(const Side& side, bool quick, Samples& samples) {
  EmptyStores(false);
  Daemon daemon(side, "virtlockd", kLockSocket);
  int pairs = quick ? 2000 : 10000, rounds = quick ? 2 : 7;
  samples["lock pairs, 1 client"] = RunPairs(1, pairs, rounds);
  samples["lock pairs, 8 clients"] = RunPairs(8, pairs / 8, rounds);
}

}  // namespace bench
