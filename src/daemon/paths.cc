#include "daemon/paths.h"

#include <pwd.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

namespace bv {

namespace {

// The directory may change later (-d).
std::string Absolute(std::string path) {
  char directory[PATH_MAX];
  if (path.starts_with('/') || !getcwd(directory, sizeof directory)) return path;
  return path.empty() ? directory : directory + ("/" + path);
}

// The environment's, even where it is empty, before the user database's.
std::string HomeDir() {
  if (const char* home = std::getenv("HOME")) return Absolute(home);
  const passwd* entry = getpwuid(geteuid());
  return entry ? entry->pw_dir : "/";
}

std::string XdgDir(const char* variable, const std::string& fallback) {
  const char* dir = std::getenv(variable);
  return dir && *dir ? Absolute(dir) : fallback;
}

}  // namespace

DriverEnvironment MakeEnvironment() {
  DriverEnvironment environment;
  environment.privileged = geteuid() == 0;
  if (environment.privileged) {
    environment.config_dir = BV_SYSCONFDIR "/libvirt";
    environment.state_dir = BV_RUNSTATEDIR "/libvirt";
    environment.lib_dir = BV_LOCALSTATEDIR "/lib/libvirt";
    environment.cache_dir = BV_LOCALSTATEDIR "/cache/libvirt";
    environment.log_dir = BV_LOCALSTATEDIR "/log/libvirt";
    return environment;
  }
  std::string home = HomeDir();
  std::string cache = XdgDir("XDG_CACHE_HOME", home + "/.cache");
  environment.config_dir = XdgDir("XDG_CONFIG_HOME", home + "/.config") + "/libvirt";
  environment.cache_dir = cache + "/libvirt";
  environment.state_dir = XdgDir("XDG_RUNTIME_DIR", cache) + "/libvirt";
  environment.lib_dir = environment.config_dir;
  environment.log_dir = environment.cache_dir;
  return environment;
}

DaemonPaths PathsOf(const Personality& personality, const DriverEnvironment& environment) {
  DaemonPaths paths;
  std::string name(personality.name);
  paths.config_file = environment.config_dir + "/" + name + ".conf";
  paths.log_file = environment.log_dir + "/" + name + ".log";
  paths.socket_dir = environment.state_dir;
  std::string pki = BV_SYSCONFDIR "/pki/";
  paths.system_certificates = {pki + "CA/cacert.pem", pki + "CA/cacrl.pem", pki + "libvirt/servercert.pem",
                               pki + "libvirt/private/serverkey.pem"};
  if (environment.privileged) {
    paths.pid_file = BV_RUNSTATEDIR "/" + name + ".pid";
    paths.state_file = BV_RUNSTATEDIR "/" + name + "-restart-exec.json";
    paths.certificates = paths.system_certificates;
  } else {
    paths.pid_file = environment.state_dir + "/" + name + ".pid";
    paths.state_file = environment.state_dir + "/" + name + "-restart-exec.json";
    pki = HomeDir() + "/.pki/libvirt/";
    paths.certificates = {pki + "cacert.pem", pki + "cacrl.pem", pki + "servercert.pem", pki + "serverkey.pem"};
  }
  return paths;
}

std::string SocketPath(const Personality& personality, const std::string& dir, std::string_view suffix) {
  return dir + "/" + std::string(personality.SocketPrefix()) + std::string(suffix);
}

}  // namespace bv
