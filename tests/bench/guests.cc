// Starting and ending real guests, beside the same QEMU command line executed by hand.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "client.h"
#include "measures.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;
namespace fs = std::filesystem;
using bv::remote::NonnullDomain;

// The arguments of a running QEMU, made fit to be run again without its daemon: the monitor becomes a socket at `monitor`,
// and what the daemon keeps for the guest is taken from `keep`.
std::vector<std::string> ArgumentsByHand(pid_t pid, const std::string& monitor, const std::string& keep) {
  std::vector<std::string> argv;
  std::string all = ReadWhole(fmt::format("/proc/{}/cmdline", pid));
  for (size_t at = 0; at < all.size(); at = all.find('\0', at) + 1) argv.push_back(all.substr(at, all.find('\0', at) - at));
  for (std::string& argument : argv) {
    if (argument.starts_with("socket,id=charmonitor"))
      argument = fmt::format("socket,id=charmonitor,path={},server=on,wait=off", monitor);
    if (size_t key = argument.find("/var/lib/libvirt/qemu/domain-"); key != std::string::npos) {
      size_t slash = argument.find('/', key + 29);
      argument.replace(key, slash - key, keep);
    }
  }
  argv[0] = "/usr/bin/qemu-system-x86_64";
  return argv;
}

pid_t QemuPid(const std::string& name) { return std::stoi(ReadWhole("/run/libvirt/qemu/" + name + ".pid")); }

// A QEMU started by hand, until its guest runs.
class ByHand {
 public:
  ByHand(std::vector<std::string> argv, std::string monitor) : monitor_path_(monitor), process_(argv) {}
  // Waits for the monitor and sends what starts the guest, all at once.
  void Ask() {
    for (auto begin = Clock::now(); !monitor_.TryConnect(monitor_path_); usleep(500))
      if (process_.Ended() || Since(begin) > 60) Die("QEMU by hand does not start:\n" + ReadWhole("/run/bench.log"));
    monitor_.Send("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"cont\"}{\"execute\":\"query-status\",\"id\":\"end\"}");
  }
  void AwaitRunning() {
    std::string text;
    char buffer[4096];
    while (text.find("\"end\"") == std::string::npos) {
      ssize_t n = read(monitor_.fd(), buffer, sizeof(buffer));
      if (n <= 0) Die("QEMU by hand ended:\n" + ReadWhole("/run/bench.log"));
      text.append(buffer, n);
    }
  }
  void Stop() { process_.Stop(); }

 private:
  std::string monitor_path_;
  Client monitor_;
  Process process_;
};

struct Prepared {
  NonnullDomain domain;
  std::vector<std::string> by_hand;  // the same guest's arguments
  std::string monitor;
};

void MakeDisk(const std::string& path) {
  Process make({"/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", path, "64M"});
  while (!make.Ended()) usleep(1000);
  chmod(path.c_str(), 0666);
}

// Defines a guest and learns its arguments from one start of it.
Prepared Prepare(Client& client, int number) {
  Prepared guest;
  std::string name = fmt::format("bench-{}", number);
  std::string disk = fmt::format("{}/{}.qcow2", kImages, name);
  MakeDisk(disk);
  bv::remote::DomainDefineXmlArgs define{GuestXml(name, disk)};
  guest.domain = client.Call<proc::DomainDefineXml>(define).dom;
  bv::remote::DomainCreateArgs create{guest.domain};
  client.Call<proc::DomainCreate>(create);
  std::string keep = "/run/bench-" + name;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/var/lib/libvirt/qemu", ignored))
    if (entry.path().filename().string().find("-" + name) != std::string::npos) fs::copy(entry.path(), keep, fs::copy_options::recursive, ignored);
  fs::create_directories(keep, ignored);
  guest.monitor = keep + ".sock";
  guest.by_hand = ArgumentsByHand(QemuPid(name), guest.monitor, keep);
  bv::remote::DomainDestroyArgs destroy{guest.domain};
  client.Call<proc::DomainDestroy>(destroy);
  return guest;
}

struct Times {
  double start, destroy;
};
Times TimeByHand(const std::vector<Prepared>& guests) {
  for (const auto& guest : guests) unlink(guest.monitor.c_str());
  auto begin = Clock::now();
  std::vector<std::unique_ptr<ByHand>> running;
  for (const auto& guest : guests) running.push_back(std::make_unique<ByHand>(guest.by_hand, guest.monitor));
  for (auto& guest : running) guest->Ask();
  for (auto& guest : running) guest->AwaitRunning();
  double start = Since(begin);
  begin = Clock::now();
  for (auto& guest : running) guest->Stop();
  return {start, Since(begin)};
}

// Each guest by a client of its own, all at once.
template <typename Proc>
double TimeCalls(std::vector<Client>& clients, const std::vector<Prepared>& guests) {
  auto begin = Clock::now();
  for (size_t i = 0; i < guests.size(); i++) {
    typename Proc::Args args{guests[i].domain};
    clients[i].Send(EncodeCall<Proc>(args));
  }
  for (size_t i = 0; i < guests.size(); i++) clients[i].Receive();
  return Since(begin);
}

}  // namespace

std::string GuestXml(const std::string& name, const std::string& disk) {
  std::string disk_xml = disk.empty() ? "" : fmt::format(
      "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>", disk);
  return fmt::format(
      "<domain type='{}'><name>{}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
      "<os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='rom'>{}/halt.bin</loader></os>"
      "<features><acpi/><apic/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{}"
      "<serial type='pty'/><console type='pty'/></devices></domain>",
      access("/dev/kvm", R_OK | W_OK) == 0 ? "kvm" : "qemu", name, kImages, disk_xml);
}

void MeasureGuests(const Side& side, bool quick, Samples& samples) {
  const int parallel = 20;
  EmptyStores(false);
  Daemon daemon(side);
  std::vector<Client> clients;
  for (int i = 0; i < parallel; i++) {
    clients.emplace_back(kSocket);
    clients.back().Open();
  }
  std::vector<Prepared> guests;
  for (int i = 0; i < parallel; i++) guests.push_back(Prepare(clients[0], i));

  std::vector<Prepared> one = {guests[0]};
  std::vector<double> start, start_limit, destroy, destroy_limit, many, many_limit, end, end_limit;
  for (int round = 0; round < (quick ? 2 : 9); round++) {
    Times limit = TimeByHand(one);
    start_limit.push_back(limit.start);
    destroy_limit.push_back(limit.destroy);
    start.push_back(TimeCalls<proc::DomainCreate>(clients, one));
    destroy.push_back(TimeCalls<proc::DomainDestroy>(clients, one));
  }
  for (int round = 0; round < (quick ? 1 : 3); round++) {
    Times limit = TimeByHand(guests);
    many_limit.push_back(limit.start);
    end_limit.push_back(limit.destroy);
    many.push_back(TimeCalls<proc::DomainCreate>(clients, guests));
    end.push_back(TimeCalls<proc::DomainDestroy>(clients, guests));
  }
  samples["start a guest"] = {Median(start) * 1e3, Median(start_limit) * 1e3};
  samples["destroy a guest"] = {Median(destroy) * 1e3, Median(destroy_limit) * 1e3};
  samples["20 starts at once"] = {Median(many) * 1e3, Median(many_limit) * 1e3};
  samples["20 destroys at once"] = {Median(end) * 1e3, Median(end_limit) * 1e3};
}

}  // namespace bench
