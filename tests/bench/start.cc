// From exec to the first answers, what is in memory then, and what that takes on disk.
#include <unistd.h>

#include <filesystem>

#include "client.h"
#include "measures.h"

namespace bench {
namespace {

using bv::remote::proc::AuthList;
using bv::remote::proc::ConnectGetCapabilities;

Client ConnectTo(Process& process, const std::string& socket) {
  Client client;
  auto begin = Clock::now();
  while (!client.TryConnect(socket)) {
    if (process.Ended()) Die("the daemon ended before it listened:\n" + ReadWhole("/run/bench.log"));
    if (Since(begin) > 60) Die("the daemon does not listen");
    usleep(100);
  }
  return client;
}

double EchoStart() {
  auto begin = Clock::now();
  Process echo({EchoProgram(), kEchoSocket, "36"});
  Client client = ConnectTo(echo, kEchoSocket);
  client.Exchange(EncodeCall<AuthList>());
  return Since(begin);
}

// One QEMU, exec until its QMP greets: the least that a probe of it can take.
double QemuStart() {
  static const std::string kMonitor = "/run/bench-qmp.sock";
  unlink(kMonitor.c_str());
  auto begin = Clock::now();
  Process qemu({"/usr/bin/qemu-system-x86_64", "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine",
                "none,accel=kvm:tcg", "-qmp", "unix:" + kMonitor + ",server=on,wait=off"});
  Client monitor = ConnectTo(qemu, kMonitor);
  char greeting[512];
  if (read(monitor.fd(), greeting, sizeof(greeting)) <= 0) Die("QEMU does not greet");
  return Since(begin);
}

// exec until the first call is answered, and until the capabilities are.
std::pair<double, double> DaemonStart(const Side& side, bool capabilities) {
  unlink(kSocket.c_str());
  auto begin = Clock::now();
  Process daemon({side.directory + "/libvirtd"});
  Client client = ConnectTo(daemon, kSocket);
  client.Call<AuthList>();
  double first = Since(begin);
  if (capabilities) {
    bv::remote::ConnectOpenArgs open{"qemu:///system", 0};
    client.Call<bv::remote::proc::ConnectOpen>(open);
    client.Call<ConnectGetCapabilities>();
  }
  return {first, Since(begin)};
}

Memory Idle(const Side& side, const std::string& name, const std::string& socket) {
  Daemon daemon(side, name, socket);
  if (name == "libvirtd") Client(socket).Open();
  usleep(500000);
  return Measure(daemon.pid());
}

}  // namespace

void MeasureStart(const Side& side, bool quick, Samples& samples) {
  std::vector<double> first, first_limit, cold, cold_limit;
  EmptyStores(true);
  DaemonStart(side, true);  // fills the cache and the page cache
  for (int round = 0; round < (quick ? 3 : 11); round++) {
    first_limit.push_back(EchoStart());
    first.push_back(DaemonStart(side, false).first);
  }
  for (int round = 0; round < (quick ? 2 : 5); round++) {
    cold_limit.push_back(QemuStart());
    EmptyStores(true);
    cold.push_back(DaemonStart(side, true).second);
  }
  samples["exec to first answer"] = {Median(first) * 1e3, Median(first_limit) * 1e3};
  samples["capabilities, cold"] = {Median(cold) * 1e3, Median(cold_limit) * 1e3};

  Memory main = Idle(side, "libvirtd", kSocket);
  samples["RSS libvirtd"] = {main.rss_kb / 1e3, 0};
  samples["threads libvirtd"] = {main.threads, 0};
  samples["own objects"] = {main.own_mb, 0};
  samples["mapped objects"] = {main.mapped_mb, 0};
  for (const char* name : {"virtlogd", "virtlockd"}) {
    if (!std::filesystem::exists(side.directory + "/" + name)) continue;
    samples[std::string("RSS ") + name] = {Idle(side, name, std::string("/run/libvirt/") + name + "-sock").rss_kb / 1e3, 0};
  }
}

}  // namespace bench
