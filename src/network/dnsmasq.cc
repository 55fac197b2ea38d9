#include "network/dnsmasq.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/xml.h"
#include "network/dnsmasq_config.h"

namespace bv::network {

namespace {

constexpr char kHelper[] = "libvirt_leaseshelper";
constexpr std::chrono::seconds kStartPatience{30};

std::string PidPath(const NetworkPaths& paths, const model::NetworkDef& def) {
  std::string name;
  xml::AppendEscaped(&name, def.name);
  return paths.DnsmasqPid(name);
}

// The pid in the file, if that process is a dnsmasq with our configuration. Blocks.
pid_t FindProcess(const NetworkPaths& paths, const model::NetworkDef& def) {
  auto text = ReadFileIfExists(PidPath(paths, def));
  long pid = text ? std::strtol(text->c_str(), nullptr, 10) : 0;
  if (pid <= 1) return -1;
  try {
    std::string command = ReadFile("/proc/" + std::to_string(pid) + "/cmdline");
    bool ours = command.find("dnsmasq") != command.npos && command.find("--conf-file=" + paths.DnsmasqConf(def.name)) != command.npos;
    return ours ? static_cast<pid_t>(pid) : -1;
  } catch (const Error&) {
    return -1;
  }
}

void WriteHosts(const DnsmasqFiles& files) {
  // dnsmasq reads them as another user.
  WriteFileAtomic(files.hosts_path, files.hosts, 0644);
  WriteFileAtomic(files.addn_hosts_path, files.addn_hosts, 0644);
}

}  // namespace

std::string LeasesHelperPath() {
  char target[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", target, sizeof target);
  if (length > 0) {
    std::string own(target, static_cast<std::size_t>(length));
    std::string beside = own.substr(0, own.rfind('/') + 1) + kHelper;
    if (FileExists(beside)) return beside;
  }
  std::string installed = std::string(BV_SBINDIR "/") + kHelper;
  return FileExists(installed) ? installed : std::string("/usr/lib/libvirt/") + kHelper;
}

Task<> Dnsmasq::Start(model::NetworkDef def) {
  if (!NeedsDnsmasq(def)) co_return;
  DnsmasqFiles files = MakeDnsmasqFiles(def, paths_);
  std::string status = paths_.Leases(def.bridge.name);
  auto program = FindProgram("dnsmasq");
  auto write = [files, status, directory = paths_.dnsmasq_dir] {
    MakeDirs(directory);
    WriteFileAtomic(files.conf_path, files.conf);
    WriteHosts(files);
    if (!FileExists(status)) WriteFileAtomic(status, "", 0644);
  };
  co_await Offload(write);
  if (!program) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "Cannot find 'dnsmasq' in path, which network '" + def.name + "' needs");
  }
  Command command;
  command.argv = {*program, "--conf-file=" + files.conf_path, "--leasefile-ro", "--dhcp-script=" + LeasesHelperPath()};
  command.environment = {{"VIR_BRIDGE_NAME", def.bridge.name}};
  std::string line = "VIR_BRIDGE_NAME=" + def.bridge.name;
  for (auto& argument : command.argv) line += " " + argument;
  // It is up when it has gone into the background.
  auto result = co_await Run(std::move(command), {}, Clock::now() + kStartPatience);
  if (result.ok()) co_return;
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Child process (" + line + ") " + result.Describe() + ": " + result.errors);
}

Task<> Dnsmasq::Stop(model::NetworkDef def) {
  auto end = [paths = paths_, def] {
    pid_t pid = FindProcess(paths, def);
    if (pid < 0) return;
    kill(pid, SIGTERM);
    for (int i = 0; i < 200 && kill(pid, 0) == 0; ++i) usleep(10000);
    if (kill(pid, 0) == 0) kill(pid, SIGKILL);
    unlink(PidPath(paths, def).c_str());
  };
  co_await Offload(end);
}

Task<bool> Dnsmasq::Running(model::NetworkDef def) {
  auto find = [paths = paths_, def] { return FindProcess(paths, def) > 0; };
  bool running = co_await Offload(find);
  co_return running;
}

Task<> Dnsmasq::ReloadHosts(model::NetworkDef def) {
  bool running = co_await Running(def);
  if (!running || !NeedsDnsmasq(def)) {
    co_await Restart(def);
    co_return;
  }
  DnsmasqFiles files = MakeDnsmasqFiles(def, paths_);
  auto tell = [paths = paths_, def, files] {
    WriteHosts(files);
    pid_t pid = FindProcess(paths, def);
    if (pid > 0) kill(pid, SIGHUP);
  };
  co_await Offload(tell);
}

Task<> Dnsmasq::Restart(model::NetworkDef def) {
  co_await Stop(def);
  co_await Start(def);
}

Task<> Dnsmasq::RemoveFiles(model::NetworkDef def) {
  std::string escaped;
  xml::AppendEscaped(&escaped, def.name);
  auto remove = [=, paths = paths_] {
    for (const std::string& path : {paths.DnsmasqConf(def.name), paths.dnsmasq_dir + "/" + escaped + ".hostsfile",
                                    paths.dnsmasq_dir + "/" + escaped + ".addnhosts", paths.Leases(def.bridge.name), paths.Macs(def.bridge.name)}) {
      unlink(path.c_str());
    }
  };
  co_await Offload(remove);
}

}  // namespace bv::network
