#include "by_hand.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "measures.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;
namespace fs = std::filesystem;

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

void MakeDisk(const std::string& path) {
  Process make({"/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", path, "64M"});
  while (!make.Ended()) usleep(1000);
  chmod(path.c_str(), 0666);
}

}  // namespace

std::string GuestName(int number) { return fmt::format("bench-{}", number); }

Prepared Prepare(Client& client, int number) {
  Prepared guest;
  std::string name = GuestName(number);
  std::string disk = fmt::format("{}/{}.qcow2", kImages, name);
  MakeDisk(disk);
  bv::remote::DomainDefineXmlArgs define{GuestXml(name, disk)};
  guest.domain = client.Call<proc::DomainDefineXml>(define).dom;
  bv::remote::DomainCreateArgs create{guest.domain};
  client.Call<proc::DomainCreate>(create);
  std::string keep = "/run/bench-" + name;
  fs::create_directories(keep);
  for (const auto& entry : fs::directory_iterator("/var/lib/libvirt/qemu")) {
    if (!entry.path().filename().string().ends_with("-" + name)) continue;
    for (const auto& file : fs::directory_iterator(entry.path()))
      if (file.is_regular_file()) fs::copy_file(file.path(), fs::path(keep) / file.path().filename(), fs::copy_options::overwrite_existing);
  }
  guest.monitor = keep + ".sock";
  guest.by_hand = ArgumentsByHand(QemuPid(name), guest.monitor, keep);
  bv::remote::DomainDestroyArgs destroy{guest.domain};
  client.Call<proc::DomainDestroy>(destroy);
  return guest;
}

void Qmp::Connect(const std::string& path, Process& process) {
  for (auto begin = Clock::now(); !socket_.TryConnect(path); usleep(500))
    if (process.Ended() || Since(begin) > 60) Die("QEMU by hand does not start:\n" + ReadWhole("/run/bench.log"));
}

void Qmp::Send(const std::string& text, int fd) {
  if (fd < 0) return socket_.Send(text);
  iovec data{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  if (sendmsg(socket_.fd(), &message, MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) Die("QEMU by hand does not listen");
}

void Qmp::Await(const std::string& marker) {
  char buffer[65536];
  size_t at;
  while ((at = input_.find(marker)) == std::string::npos) {
    ssize_t n = read(socket_.fd(), buffer, sizeof(buffer));
    if (n <= 0) Die("QEMU by hand ended:\n" + ReadWhole("/run/bench.log"));
    input_.append(buffer, n);
  }
  input_.erase(0, at + marker.size());
}

namespace {

std::vector<std::string> With(std::vector<std::string> argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

}  // namespace

ByHand::ByHand(const Prepared& guest, const std::vector<std::string>& more)
    : monitor_path_((unlink(guest.monitor.c_str()), guest.monitor)), process_(With(guest.by_hand, more)) {}

void ByHand::Connect() {
  qmp.Connect(monitor_path_, process_);
  qmp.Send("{\"execute\":\"qmp_capabilities\"}");
}

void ByHand::Ask() { qmp.Send("{\"execute\":\"cont\"}{\"execute\":\"query-status\",\"id\":\"end\"}"); }

}  // namespace bench
