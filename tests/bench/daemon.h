#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

// Processes under measurement: daemons, the echo limit, QEMU by hand. For use inside private namespaces only: stores of
// libvirt are emptied without asking.
namespace bench {

using Clock = std::chrono::steady_clock;
inline double Since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }
double Median(std::vector<double> values);

// Ours or the original: where its daemons are.
struct Side {
  std::string name;
  std::string directory;
};

// One number that was measured beside its limit (0: there is none).
struct Sample {
  double value = 0;
  double limit = 0;
};
using Samples = std::map<std::string, Sample>;

inline const std::string kSocket = "/run/libvirt/libvirt-sock";
inline const std::string kEchoSocket = "/run/bench-echo.sock";
inline const std::string kRelaySocket = "/run/bench-relay.sock";

// A child; ended and waited for with it.
class Process {
 public:
  explicit Process(const std::vector<std::string>& argv);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ~Process() { Stop(); }
  pid_t pid() const { return pid_; }
  void Stop(int signo = 15);
  bool Ended();

 private:
  pid_t pid_ = -1;
};

// Starts a daemon of `side` (and first virtlogd, which the original's guests need) and waits until its socket accepts.
class Daemon {
 public:
  explicit Daemon(const Side& side, const std::string& name = "libvirtd", const std::string& socket = kSocket);
  pid_t pid() const { return process_.pid(); }

 private:
  Process logd_;
  Process process_;
};
// The echo limit with replies of `reply_size` bytes in whole, listening.
Process StartEcho(size_t reply_size);
// What passes on to that one, listening at kRelaySocket.
Process StartRelay();
std::string EchoProgram();

// Empties libvirt's stores; with `cache` also what was learnt about QEMU.
void EmptyStores(bool cache);

struct Memory {
  double rss_kb = 0;
  double threads = 0;
  double own_mb = 0;     // on disk: the executable and objects of the same project
  double mapped_mb = 0;  // on disk: everything mapped
};
Memory Measure(pid_t pid);

std::string ReadWhole(const std::string& path);
void WriteWhole(const std::string& path, const std::string& text);

}  // namespace bench
