#include "qemu/guest_helpers.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"
#include "model/domain/domain.h"
#include "qemu/command_line/build.h"
#include "qemu/command_line/paths.h"
#include "qemu/launch.h"
#include "qemu/secret_values.h"

namespace bv::qemu {
namespace {

using namespace model;
using namespace std::chrono_literals;

constexpr const char* kSource = "qemu.qemu_extdevice";
constexpr const char kEmulator[] = "swtpm", kManufacturer[] = "swtpm_setup";
// Making keys and certificates may want much of a poor random number generator.
constexpr auto kSetupLimit = 120s;
constexpr auto kStartLimit = 10s;
constexpr int kEndLimitMs = 5000;

[[noreturn]] void Failed(const std::string& detail) { throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, detail); }

std::string Program(const char* name) {
  auto path = FindProgram(name);
  if (!path) Failed(fmt::format("Unable to find '{}' binary in $PATH", name));
  return *path;
}

// Sockets and pid files of TPM emulators, which are of one run; dirs.swtpm has what stays.
std::string SocketDir(const QemuConfig& config) { return config.dirs.state + "/swtpm"; }

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Beside libvirt's own logs (/var/log/libvirt/qemu), since these belong to another user.
std::string LogDir(const QemuConfig& config) {
  if (!config.privileged) return config.dirs.log;
  return Parent(Parent(config.dirs.log)) + "/swtpm/libvirt/qemu";
}

// --- whose things are --------------------------------------------------------------------------------

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// The user of qemu.conf; root's where the host has no such user.
Owner TpmOwner(const QemuConfig& config) {
  Owner owner;
  if (!config.privileged) return {geteuid(), getegid()};
  if (const passwd* user = getpwnam(config.swtpm_user.c_str())) owner.uid = user->pw_uid;
  if (const group* entry = getgrnam(config.swtpm_group.c_str())) owner.gid = entry->gr_gid;
  return owner;
}

void MakeOwnedDir(const std::string& path, mode_t mode, Owner owner) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) throw SystemError(ErrorDomain::kQemu, "Could not create directory " + path);
  if (chmod(path.c_str(), mode) != 0 || (geteuid() == 0 && chown(path.c_str(), owner.uid, owner.gid) != 0))
    throw SystemError(ErrorDomain::kQemu, "Could not give away directory " + path);
}

// True when the store is new, so that somebody has to make a TPM in it.
bool MakeTpmPlaces(const TpmEmulator& tpm, const QemuConfig& config, Owner owner) {
  MakeDirs(Parent(Parent(tpm.log)), 0711);
  MakeOwnedDir(Parent(tpm.log), 0730, owner);
  MakeDirs(config.dirs.state, 0755);
  MakeOwnedDir(SocketDir(config), 0770, {config.uid, owner.gid});
  const bool fresh = !FileExists(tpm.store);
  MakeDirs(Parent(tpm.store), 0711);
  MakeOwnedDir(tpm.store, 0700, owner);
  unlink(tpm.socket.c_str());
  return fresh;
}

// --- TPMs --------------------------------------------------------------------------------------------

// A descriptor from which a program reads the passphrase.
Fd PassphrasePipe(const std::string& passphrase) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw SystemError(ErrorDomain::kQemu, "Unable to make pipe");
  Fd read_end(ends[0]), write_end(ends[1]);
  fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  if (write(write_end.get(), passphrase.data(), passphrase.size()) != static_cast<ssize_t>(passphrase.size()))
    Failed("the passphrase of the TPM's state is too long");
  return read_end;
}

constexpr int kPassphraseFd = 3;

Command TpmCommand(const char* program, Owner owner, const QemuConfig& config) {
  Command command;
  command.argv = {Program(program)};
  if (config.privileged) {
    command.uid = owner.uid;
    command.gid = owner.gid;
  }
  return command;
}

Task<> RunSetup(TpmEmulator tpm, Command command, std::vector<std::string> arguments) {
  auto& argv = command.argv;
  if (!tpm.version12) argv.push_back("--tpm2");
  Fd passphrase;
  if (!tpm.passphrase.empty()) {
    passphrase = PassphrasePipe(tpm.passphrase);
    command.fds.push_back({passphrase.get(), kPassphraseFd});
    argv.insert(argv.end(), {"--pwdfile-fd", std::to_string(kPassphraseFd), "--cipher", "aes-256-cbc"});
  }
  argv.insert(argv.end(), {"--tpm-state", tpm.store, "--logfile", tpm.log});
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  if (!tpm.pcr_banks.empty()) argv.insert(argv.end(), {"--pcr-banks", tpm.pcr_banks});
  auto result = co_await Run(std::move(command), {}, In(kSetupLimit));
  if (!result.ok()) Failed(fmt::format("{} {}; its log is '{}'", kManufacturer, result.Describe(), tpm.log));
}

Task<> ManufactureTpm(TpmEmulator tpm, Command command) {
  std::vector<std::string> arguments = {"--vmid", tpm.vmid};
  if (!tpm.memory_comes) {
    for (const char* wanted : {"--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--not-overwrite"}) arguments.push_back(wanted);
  }
  std::exception_ptr failure;
  try {
    co_await RunSetup(tpm, std::move(command), std::move(arguments));
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  // So that the next start tries again.
  auto forget = [store = Parent(tpm.store)] { RemoveTree(store); };
  co_await Offload(std::move(forget));
  std::rethrow_exception(failure);
}

Task<> StartTpm(TpmEmulator tpm, std::shared_ptr<const QemuConfig> config, Cgroup cgroup) {
  auto look_up = [config] { return TpmOwner(*config); };
  Owner owner = co_await Offload(std::move(look_up));
  auto make = [tpm, config, owner] { return MakeTpmPlaces(tpm, *config, owner); };
  const bool fresh = co_await Offload(std::move(make));
  if (fresh) {
    co_await ManufactureTpm(tpm, TpmCommand(kManufacturer, owner, *config));
  } else if (!tpm.pcr_banks.empty() && !tpm.memory_comes) {
    std::vector<std::string> arguments = {"--reconfigure"};
    co_await RunSetup(tpm, TpmCommand(kManufacturer, owner, *config), std::move(arguments));
  }

  Command command = TpmCommand(kEmulator, owner, *config);
  auto& argv = command.argv;
  argv.insert(argv.end(), {"socket", "--ctrl", fmt::format("type=unixio,path={},mode=0600", tpm.socket), "--tpmstate",
                           fmt::format("dir={},mode=0600", tpm.store), "--log", "file=" + tpm.log, "--terminate"});
  if (!tpm.version12) argv.push_back("--tpm2");
  Fd passphrase, again;
  if (!tpm.passphrase.empty()) {
    // The key of the state on disk, and of that in a save image.
    passphrase = PassphrasePipe(tpm.passphrase);
    again = PassphrasePipe(tpm.passphrase);
    command.fds.push_back({passphrase.get(), kPassphraseFd});
    command.fds.push_back({again.get(), kPassphraseFd + 1});
    argv.insert(argv.end(), {"--key", fmt::format("pwdfd={},mode=aes-256-cbc", kPassphraseFd), "--migration-key",
                             fmt::format("pwdfd={},mode=aes-256-cbc", kPassphraseFd + 1)});
  }
  command.new_session = true;
  cgroup.Contain(command);
  auto launch = [&command, pid_file = tpm.pid_file] { return LaunchNoted(command, pid_file); };
  bv::Child child = co_await Offload(std::move(launch));
  const auto limit = Clock::now() + kStartLimit;
  while (!FileExists(tpm.socket)) {
    if (co_await child.Wait(In(10ms))) Failed(fmt::format("{} ended at once; its log is '{}'", kEmulator, tpm.log));
    if (Clock::now() > limit) Failed(fmt::format("{} does not make its socket '{}'", kEmulator, tpm.socket));
  }
  if (config->privileged && chown(tpm.socket.c_str(), config->uid, config->gid) != 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("cannot change ownership of '{}'", tpm.socket));
}

// --- directories -------------------------------------------------------------------------------------

constexpr int kListenFd = 3;

std::string DoubledCommas(std::string_view text) {
  std::string result;
  for (char c : text) result.append(c == ',' ? 2 : 1, c);
  return result;
}

std::vector<std::string> FileDaemonArguments(const Filesystem& fs, const QemuConfig& config) {
  std::string options = "source=" + DoubledCommas(fs.source);
  if (fs.cache != FsCacheMode::kDefault) options += fmt::format(",cache={}", ToString(fs.cache));
  if (fs.sandbox != FsSandbox::kDefault) options += fmt::format(",sandbox={}", ToString(fs.sandbox));
  auto add = [&](OnOff value, const char* name) {
    if (value != OnOff::kAbsent) options += fmt::format(",{}{}", value == OnOff::kOff ? "no_" : "", name);
  };
  add(fs.xattr, "xattr");
  add(fs.lock_flock, "flock");
  add(fs.lock_posix, "posix_lock");
  std::vector<std::string> argv = {fs.binary, fmt::format("--fd={}", kListenFd), "-o", options};
  if (fs.thread_pool_size) argv.push_back(fmt::format("--thread-pool-size={}", *fs.thread_pool_size));
  if (config.virtiofsd_debug) argv.push_back("-d");
  return argv;
}

Task<> StartFileDaemon(FileDaemon daemon, HelperFds fds, Cgroup cgroup) {
  Command command;
  command.argv = daemon.argv;
  command.fds = {{fds.socket, kListenFd}, {fds.log, 1}, {fds.log, 2}};
  command.new_session = true;
  cgroup.Contain(command);
  auto launch = [&command, pid_file = daemon.pid_file] { return LaunchNoted(command, pid_file); };
  // It has its socket already: QEMU may connect as soon as it likes.
  co_await Offload(std::move(launch));
}

std::string TpmStore(const DomainDef& def, const Tpm& tpm, const QemuConfig& config) {
  return fmt::format("{}/{}/{}", config.dirs.swtpm, def.uuid.ToString(), tpm.version == TpmVersion::k12 ? "tpm1.2" : "tpm2");
}

std::string TpmPidFile(const DomainDef& def, const QemuConfig& config) {
  return fmt::format("{}/{}-swtpm.pid", SocketDir(config), ShortName(def));
}

std::string FilePidFile(const DomainDef& def, const std::string& alias, const QemuConfig& config) {
  return fmt::format("{}/{}-{}-fs.pid", config.dirs.state, ShortName(def), alias);
}

// --- the end -----------------------------------------------------------------------------------------

// The process that a pid file names, if it is of that program still.
Fd ProcessOf(const HelperTrace& trace, pid_t* pid) {
  auto text = ReadFileIfExists(trace.pid_file);
  *pid = text ? static_cast<pid_t>(std::atol(text->c_str())) : 0;
  if (*pid <= 1) return {};
  Fd process(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  char path[PATH_MAX];
  const auto length = readlink(fmt::format("/proc/{}/exe", *pid).c_str(), path, sizeof path);
  if (!process || length <= 0) return {};
  std::string_view name(path, static_cast<std::size_t>(length));
  // One whose file was replaced under it.
  constexpr std::string_view kGone = " (deleted)";
  if (name.ends_with(kGone)) name.remove_suffix(kGone.size());
  std::error_code ignored;
  if (name != trace.program && name != std::filesystem::canonical(trace.program, ignored).string()) return {};
  return process;
}

bool Ended(const Fd& process) {
  pollfd wanted{process.get(), POLLIN, 0};
  return poll(&wanted, 1, kEndLimitMs) > 0;
}

}  // namespace

bool WantsFileDaemon(const Filesystem& fs) { return fs.driver == FsDriver::kVirtiofs && fs.socket.empty(); }

Helpers HelpersOf(const DomainDef& def, const QemuConfig& config, bool memory_comes) {
  Helpers helpers;
  for (auto& tpm : def.tpms) {
    if (tpm->backend != TpmBackend::kEmulator) continue;
    TpmEmulator& emulator = helpers.tpms.emplace_back();
    emulator.vmid = fmt::format("{}:{}", def.name, def.uuid.ToString());
    emulator.socket = tpm->source.path;
    emulator.pid_file = TpmPidFile(def, config);
    emulator.log = fmt::format("{}/{}-swtpm.log", LogDir(config), def.name);
    emulator.store = TpmStore(def, *tpm, config);
    emulator.version12 = tpm->version == TpmVersion::k12;
    emulator.memory_comes = memory_comes;
    for (unsigned bank = 0; bank < std::size(Spelling<TpmPcrBank>::kNames); ++bank) {
      if (!(tpm->active_pcr_banks >> bank & 1)) continue;
      if (!emulator.pcr_banks.empty()) emulator.pcr_banks += ",";
      emulator.pcr_banks += Spelling<TpmPcrBank>::kNames[bank];
    }
    if (tpm->encryption_secret) emulator.secret = tpm->encryption_secret->ToString();
  }
  for (auto& fs : def.filesystems) {
    if (!WantsFileDaemon(*fs)) continue;
    helpers.files.push_back({fs->info.alias, FilePidFile(def, fs->info.alias, config), FileDaemonArguments(*fs, config)});
  }
  return helpers;
}

Task<> StartHelpers(Helpers helpers, std::shared_ptr<const QemuConfig> config, Cgroup cgroup, std::map<std::string, HelperFds> descriptors) {
  for (TpmEmulator& tpm : helpers.tpms) {
    if (!tpm.secret.empty()) {
      SecretLookup lookup{.uuid = tpm.secret};
      tpm.passphrase = co_await SecretValue(lookup);
    }
    co_await StartTpm(tpm, config, cgroup);
  }
  for (const FileDaemon& daemon : helpers.files) co_await StartFileDaemon(daemon, descriptors[daemon.alias], cgroup);
}

std::vector<HelperTrace> HelperTraces(const DomainDef& def, const QemuConfig& config) {
  std::vector<HelperTrace> traces;
  for (auto& tpm : def.tpms) {
    if (tpm->backend != TpmBackend::kEmulator) continue;
    traces.push_back({FindProgram(kEmulator).value_or(kEmulator), TpmPidFile(def, config), tpm->source.path});
  }
  for (auto& fs : def.filesystems) {
    // Its socket is in the guest's directory and goes with that.
    if (WantsFileDaemon(*fs)) traces.push_back({fs->binary, FilePidFile(def, fs->info.alias, config), {}});
  }
  return traces;
}

void EndHelpers(const std::vector<HelperTrace>& traces) {
  for (const HelperTrace& trace : traces) {
    pid_t pid = 0;
    if (Fd process = ProcessOf(trace, &pid)) {
      syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0);
      if (!Ended(process)) {
        LogWarn(kSource, "{} ignores SIGTERM, killing process {}", trace.program, pid);
        syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
      }
    }
    unlink(trace.pid_file.c_str());
    if (!trace.socket.empty()) unlink(trace.socket.c_str());
  }
}

std::string TpmStoreToForget(const DomainDef& def, const QemuConfig& config, unsigned flags) {
  enum : unsigned { kTpm = 32, kKeepTpm = 64 };
  for (auto& tpm : def.tpms) {
    if (tpm->backend != TpmBackend::kEmulator || (flags & kKeepTpm)) continue;
    if (tpm->persistent_state == YesNo::kYes && !(flags & kTpm)) continue;
    return Parent(TpmStore(def, *tpm, config));
  }
  return {};
}

std::string FileDaemonLog(const DomainDef& def, const std::string& alias, const QemuConfig& config) {
  return fmt::format("{}/{}-{}-virtiofsd.log", config.dirs.log, def.name, alias);
}

}  // namespace bv::qemu
