#include "daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "client.h"

namespace bench {
namespace fs = std::filesystem;

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Process::Process(const std::vector<std::string>& argv) {
  if (argv.empty()) return;
  pid_ = fork();
  if (pid_ != 0) return;
  int log = open("/run/bench.log", O_CREAT | O_WRONLY | O_APPEND, 0644);
  int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  std::vector<char*> pointers;
  for (const auto& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  execv(pointers[0], pointers.data());
  _exit(127);
}

void Process::Stop(int signo) {
  if (pid_ <= 0) return;
  kill(pid_, signo);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

bool Process::Ended() {
  if (pid_ <= 0 || waitpid(pid_, nullptr, WNOHANG) != pid_) return pid_ <= 0;
  pid_ = -1;
  return true;
}

namespace {

void WaitForSocket(Process& process, const std::string& what, const std::string& socket) {
  auto begin = Clock::now();
  for (Client client; !client.TryConnect(socket); usleep(200)) {
    if (process.Ended()) Die(what + " ended before it listened; see its output:\n" + ReadWhole("/run/bench.log"));
    if (Since(begin) > 60) Die(what + " does not listen on " + socket);
  }
}

Process StartLogd(const Side& side, const std::string& name) {
  static const std::string kLogSocket = "/run/libvirt/virtlogd-sock";
  std::string logd = side.directory + "/virtlogd";
  if (name != "libvirtd" || !fs::exists(logd)) return Process({});
  Process process({logd});
  WaitForSocket(process, logd, kLogSocket);
  return process;
}

}  // namespace

Daemon::Daemon(const Side& side, const std::string& name, const std::string& socket)
    : logd_(StartLogd(side, name)), process_({side.directory + "/" + name}) {
  WaitForSocket(process_, side.name + "'s " + name, socket);
}

std::string EchoProgram() { return fs::read_symlink("/proc/self/exe").parent_path().string() + "/bench-echo"; }

Process StartEcho(size_t reply_size) {
  Process process({EchoProgram(), kEchoSocket, std::to_string(reply_size)});
  WaitForSocket(process, "the echo limit", kEchoSocket);
  return process;
}

Process StartRelay() {
  Process process({EchoProgram(), kRelaySocket, "--relay", kEchoSocket});
  WaitForSocket(process, "the relay", kRelaySocket);
  return process;
}

void EmptyStores(bool cache) {
  std::error_code ignored;
  for (const char* dir : {"/etc/libvirt/qemu", "/run/libvirt", "/var/lib/libvirt/qemu"})
    for (const auto& entry : fs::directory_iterator(dir, ignored)) fs::remove_all(entry.path(), ignored);
  if (cache) fs::remove_all("/var/cache/libvirt/qemu/capabilities", ignored);
}

Memory Measure(pid_t pid) {
  Memory memory;
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) memory.rss_kb = std::stod(line.substr(6));
    if (line.starts_with("Threads:")) memory.threads = std::stod(line.substr(8));
  }
  std::error_code ignored;
  fs::path executable = fs::read_symlink(fmt::format("/proc/{}/exe", pid), ignored);
  std::set<std::string> seen;
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    size_t at = line.find('/');
    if (at == std::string::npos) continue;
    std::string path = line.substr(at);
    // Objects only: not the files of NSS, locales or shared memory.
    if (path.find(".so") == std::string::npos && path != executable) continue;
    if (!seen.insert(path).second) continue;
    double size = fs::file_size(path, ignored) / 1e6;
    memory.mapped_mb += size;
    if (path == executable || path.find("libvirt") != std::string::npos) memory.own_mb += size;
  }
  return memory;
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
void WriteWhole(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace bench
