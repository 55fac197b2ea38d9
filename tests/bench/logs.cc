// virtlogd: bytes from guests' pipes into files with roll-over on, against `cat <pipe >file` of the same data in the same
// round; how fairly many guests share; what it takes in memory meanwhile.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "client.h"
#include "measures.h"
#include "protocol/log_protocol.h"

namespace bench {
namespace {

namespace log_protocol = bv::log_protocol;
const std::string kLogSocket = "/run/libvirt/virtlogd-sock";
const std::string kLogs = "/var/log/libvirt/qemu/";

// The write end of a log's pipe.
int OpenLog(Client& client, const std::string& path) {
  log_protocol::DomainOpenLogFileArgs args{.driver = "qemu", .dom = {.name = "bench"}, .path = path};
  client.Send(EncodeCall<log_protocol::proc::DomainOpenLogFile>(args));
  char reply[48];  // header, count of descriptors, position
  if (recv(client.fd(), reply, sizeof(reply), MSG_WAITALL) != sizeof(reply)) Die("no log for " + path);
  char zero;
  iovec part{&zero, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  int fd = -1;
  if (recvmsg(client.fd(), &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen > 0)
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
  if (fd < 0) Die("no descriptor came with the log");
  return fd;
}

// Text in lines of 80 bytes, as guests write it.
std::string Text(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; i++) text += fmt::format("{:010} {:<68}\n", i, "a guest says one thing and another");
  return text;
}

void Feed(int fd, const std::string& block, size_t total) {
  for (size_t sent = 0; sent < total;) {
    ssize_t n = write(fd, block.data(), std::min(block.size(), total - sent));
    if (n <= 0) Die("nobody reads the log's pipe");
    sent += n;
  }
}

void WaitUntilTaken(int fd) {
  for (int left = 1; ioctl(fd, FIONREAD, &left) == 0 && left > 0;) usleep(100);
}

// MB/s of `count` threads that each move `bytes`.
double Rate(int count, size_t bytes, const std::function<void(int)>& one) {
  auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) threads.emplace_back(one, i);
  for (auto& thread : threads) thread.join();
  return count * bytes / Since(begin) / 1e6;
}

void RemoveLogs(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) std::filesystem::remove(entry.path(), ignored);
}

double CatRate(const std::string& directory, int writers, const std::string& block, size_t bytes) {
  std::vector<int> pipes;
  std::vector<pid_t> cats;
  for (int i = 0; i < writers; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) Die("no pipe");
    int file = open((directory + fmt::format("cat-{}.log", i)).c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    cats.push_back(fork());
    if (cats.back() == 0) {
      dup2(ends[0], 0);
      dup2(file, 1);
      execlp("cat", "cat", nullptr);
      _exit(127);
    }
    close(ends[0]);
    close(file);
    pipes.push_back(ends[1]);
  }
  double rate = Rate(writers, bytes, [&](int i) {
    Feed(pipes[i], block, bytes);
    close(pipes[i]);
    waitpid(cats[i], nullptr, 0);
  });
  RemoveLogs(directory);
  return rate;
}

struct Logs {
  explicit Logs(int count, const std::string& directory = kLogs) : client(kLogSocket), directory(directory) {
    static int serial = 0;
    for (int i = 0; i < count; i++) pipes.push_back(OpenLog(client, directory + fmt::format("vm-{}.log", serial++)));
  }
  ~Logs() {
    for (int fd : pipes) close(fd);
    RemoveLogs(directory);
  }
  Client client;
  std::string directory;
  std::vector<int> pipes;
};

double LogRate(const std::string& directory, int writers, const std::string& block, size_t bytes) {
  Logs logs(writers, directory);
  return Rate(writers, bytes, [&](int i) {
    Feed(logs.pipes[i], block, bytes);
    WaitUntilTaken(logs.pipes[i]);
  });
}

Sample RunThroughput(int writers, size_t block_size, size_t bytes, int rounds, const std::string& directory = kLogs) {
  std::string block = Text(block_size).substr(0, block_size);
  std::vector<double> rates, limits;
  for (int round = 0; round < rounds; round++) {
    limits.push_back(CatRate(directory, writers, block, bytes));
    rates.push_back(LogRate(directory, writers, block, bytes));
  }
  return {Median(rates), Median(limits)};
}

// A hundred guests write without end: the least that one of them got, as a part of what each should have.
Sample RunFairness(double seconds) {
  Logs logs(100);
  std::atomic<bool> stop = false;
  std::vector<size_t> written(logs.pipes.size());
  std::string block = Text(4096).substr(0, 4096);
  std::vector<std::thread> writers;
  for (size_t i = 0; i < written.size(); i++)
    writers.emplace_back([&, i] {
      while (!stop && write(logs.pipes[i], block.data(), block.size()) > 0) written[i] += block.size();
    });
  usleep(static_cast<useconds_t>(seconds * 1e6));
  stop = true;
  for (auto& writer : writers) writer.join();
  size_t sum = 0;
  for (size_t bytes : written) sum += bytes;
  return {*std::min_element(written.begin(), written.end()) / (sum / 100.0), 1};
}

}  // namespace

void MeasureLogs(const Side& side, bool quick, Samples& samples) {
  EmptyStores(false);
  std::filesystem::create_directories(kLogs);
  Daemon daemon(side, "virtlogd", kLogSocket);
  int rounds = quick ? 2 : 7;
  samples["log, 64 KiB writes"] = RunThroughput(1, 65536, quick ? 64'000'000 : 256'000'000, rounds);
  samples["log, 80-byte writes"] = RunThroughput(1, 80, quick ? 8'000'000 : 32'000'000, rounds);
  samples["log, 8 writers"] = RunThroughput(8, 65536, quick ? 8'000'000 : 32'000'000, rounds);
  // The other rows' logs are in memory, where freeing what was rolled over costs as much as writing: `cat` rolls nothing over.
  if (const char* disk = getenv("BV_BENCH_DISK"))
    samples["log, 8 writers, on disk"] = RunThroughput(8, 65536, quick ? 8'000'000 : 32'000'000, rounds, disk);
  samples["log, 100 writers: least share"] = RunFairness(quick ? 1 : 4);
  samples["RSS after 100 writers"] = {Measure(daemon.pid()).rss_kb / 1e3, 0};
}

}  // namespace bench
