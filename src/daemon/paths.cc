#include "daemon/paths.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace bv {

namespace {

std::string HomeDir() {
  if (const char* home = std::getenv("HOME"); home && *home) return home;
  const passwd* entry = getpwuid(geteuid());
  return entry ? entry->pw_dir : "/";
}

std::string XdgDir(const char* variable, const std::string& fallback) {
  const char* dir = std::getenv(variable);
  return std::string(dir && *dir ? dir : HomeDir() + fallback) + "/libvirt";
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
  environment.config_dir = XdgDir("XDG_CONFIG_HOME", "/.config");
  environment.cache_dir = XdgDir("XDG_CACHE_HOME", "/.cache");
  environment.state_dir = XdgDir("XDG_RUNTIME_DIR", "/.cache");
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
  if (environment.privileged) {
    paths.pid_file = BV_RUNSTATEDIR "/" + name + ".pid";
    paths.state_file = BV_RUNSTATEDIR "/" + name + "-restart-exec.json";
    std::string pki = BV_SYSCONFDIR "/pki/";
    paths.ca_cert = pki + "CA/cacert.pem";
    paths.ca_crl = pki + "CA/cacrl.pem";
    paths.server_cert = pki + "libvirt/servercert.pem";
    paths.server_key = pki + "libvirt/private/serverkey.pem";
  } else {
    paths.pid_file = environment.state_dir + "/" + name + ".pid";
    paths.state_file = environment.state_dir + "/" + name + "-restart-exec.json";
    std::string pki = HomeDir() + "/.pki/libvirt/";
    paths.ca_cert = pki + "cacert.pem";
    paths.ca_crl = pki + "cacrl.pem";
    paths.server_cert = pki + "servercert.pem";
    paths.server_key = pki + "serverkey.pem";
  }
  return paths;
}

std::string SocketPath(const Personality& personality, const std::string& dir, std::string_view suffix) {
  return dir + "/" + std::string(personality.SocketPrefix()) + std::string(suffix);
}

}  // namespace bv
