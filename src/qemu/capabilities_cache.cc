#include "qemu/capabilities_cache.h"

#include <fmt/core.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/encoding.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "qemu/capabilities_probe.h"
#include "qemu/capabilities_text.h"

namespace bv::qemu {

namespace {

constexpr char kLogSource[] = "qemu.qemu_capabilities";

// Where distributions keep QEMU's loadable modules: new ones there mean new devices.
constexpr const char* kModuleDirectories[] = {
    "/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib/aarch64-linux-gnu/qemu", "/usr/lib64/qemu", "/usr/lib/qemu", "/usr/local/lib/qemu",
};
constexpr const char* kKvmParameters[] = {
    "/sys/module/kvm_intel/parameters/nested",
    "/sys/module/kvm_amd/parameters/nested",
    "/sys/module/kvm_amd/parameters/sev",
};

std::string Stamp(const char* path) {
  struct stat info;
  if (stat(path, &info) < 0) return "-";
  return fmt::format("{}.{:09}.{}", info.st_ctim.tv_sec, info.st_ctim.tv_nsec, info.st_size);
}

// The start of a small file of the kernel; empty when there is none.
std::string FirstBytes(const char* path, std::size_t count) {
  Fd fd(open(path, O_RDONLY | O_CLOEXEC));
  std::string text(count, '\0');
  ssize_t got = fd ? read(fd.get(), text.data(), count) : 0;
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

// "vendor_id", "microcode" and the like of the first processor.
std::string CpuInfoField(const std::string& cpuinfo, std::string_view key) {
  std::size_t at = cpuinfo.find(fmt::format("\n{}\t", key));
  if (at == std::string::npos) return "";
  std::size_t colon = cpuinfo.find(':', at);
  return cpuinfo.substr(colon + 1, cpuinfo.find('\n', colon) - colon - 1);
}

// What cannot change while this process lives.
std::string FixedHostKey() {
  utsname kernel;
  uname(&kernel);
  std::string cpuinfo = "\n" + FirstBytes("/proc/cpuinfo", 2048);
  std::string key = fmt::format("{} {}", kernel.release, kernel.version);
  for (const char* field : {"vendor_id", "model name", "cpu family", "model", "stepping", "microcode"}) {
    key += CpuInfoField(cpuinfo, field);
  }
  return key;
}

}  // namespace

std::string HostKey() {
  static const std::string fixed = FixedHostKey();
  std::string key = fixed;
  struct stat kvm;
  if (stat("/dev/kvm", &kvm) == 0) key += fmt::format(" kvm {:o} {}:{}", kvm.st_mode, kvm.st_uid, kvm.st_gid);
  for (const char* path : kKvmParameters) {
    std::string value = FirstBytes(path, 8);
    if (!value.empty()) key += fmt::format(" {}", value.front());
  }
  return key;
}

std::string BinaryKey(const std::string& binary) {
  std::string key = Stamp(binary.c_str());
  for (const char* directory : kModuleDirectories) key += " " + Stamp(directory);
  return key;
}

std::optional<std::string> FindEmulator(std::string_view arch) {
  std::string name = fmt::format("qemu-system-{}", arch == "i686"                        ? "i386"
                                                   : arch == "armv7l" || arch == "armv6l" ? "arm"
                                                   : arch == "ppc64le"                    ? "ppc64"
                                                                                          : arch);
  return FindProgram(name);
}

// --- CapsCache -----------------------------------------------------------------------------------

struct CapsCache::Entry {
  std::string binary;
  CapsPtr caps, basics;
  std::exception_ptr error;
  bool working = false;
  Event changed;
};

CapsCache::CapsCache(Options options) : options_(std::move(options)) {}
CapsCache::~CapsCache() = default;

CapsPtr CapsCache::Peek(std::string_view binary) const {
  auto found = entries_.find(binary);
  return found == entries_.end() ? nullptr : found->second->caps;
}

bool CapsCache::IsCurrent(const QemuCaps& caps) const {
  return caps.Value("host") == HostKey() && caps.Value("binary") == BinaryKey(std::string(caps.binary())) &&
         caps.Value("rules") == ProbeFingerprint() && caps.Value("user") == fmt::format("{}", options_.uid.value_or(geteuid()));
}

// The binary's entry, with outdated capabilities taken out of it.
CapsCache::EntryPtr CapsCache::Find(const std::string& binary) {
  EntryPtr& entry = entries_[binary];
  if (!entry) {
    entry = std::make_shared<Entry>();
    entry->binary = binary;
  }
  if (entry->caps && !IsCurrent(*entry->caps)) entry->caps = entry->basics = nullptr;
  return entry;
}

void CapsCache::Prepare(const std::string& binary) {
  EntryPtr entry = Find(binary);
  if (!entry->caps && !entry->working) Spawn(Load(entry), "qemu capabilities");
}

Task<CapsPtr> CapsCache::Get(std::string binary) {
  Prepare(binary);
  EntryPtr entry = Find(binary);
  if (entry->caps) co_return entry->caps;
  co_await Finish(entry);
  co_return entry->caps;
}

Task<CapsPtr> CapsCache::Get(std::string binary, Accelerator accelerator) {
  CapsPtr caps = co_await Get(binary);
  if (caps->HasCpuData(accelerator) || !caps->HasAccelerator(accelerator)) co_return caps;
  EntryPtr entry = Find(binary);
  if (!entry->working) Spawn(AddTcg(entry), "qemu capabilities");
  co_await Finish(entry);
  co_return entry->caps;
}

Task<CapsPtr> CapsCache::GetBasics(std::string binary) {
  Prepare(binary);
  EntryPtr entry = Find(binary);
  while (entry->working && !entry->caps && !entry->basics) co_await entry->changed.Wait();
  if (entry->caps) co_return entry->caps;
  if (entry->basics) co_return entry->basics;
  std::rethrow_exception(entry->error);
}

Task<> CapsCache::Finish(EntryPtr entry) {
  while (entry->working) co_await entry->changed.Wait();
  if (entry->error) std::rethrow_exception(entry->error);
}

Task<> CapsCache::Load(EntryPtr entry) {
  entry->working = true;
  entry->error = nullptr;
  try {
    if (access(entry->binary.c_str(), F_OK) < 0) {
      throw SystemError(ErrorDomain::kQemu, "Cannot check QEMU binary " + entry->binary);
    }
    if (access(entry->binary.c_str(), X_OK) < 0) {
      throw SystemError(ErrorDomain::kQemu, fmt::format("QEMU binary {} is not executable", entry->binary));
    }
    CapsPtr caps;
    if (!options_.directory.empty()) {
      std::string file = FileOf(entry->binary);
      auto read = Offload([file] { return ReadFileIfExists(file); });
      try {
        auto text = co_await std::move(read);
        if (text) caps = QemuCaps::Parse(std::move(*text));
      } catch (const Error& e) {
        LogWarn(kLogSource, "{}: {}", file, e.what());
      }
    }
    if (!caps || caps->binary() != entry->binary || !IsCurrent(*caps)) {
      ProbeRequest request{.binary = entry->binary, .uid = options_.uid, .gid = options_.gid, .groups = options_.groups};
      request.values = {{"host", HostKey()},
                        {"binary", BinaryKey(entry->binary)},
                        {"rules", ProbeFingerprint()},
                        {"user", fmt::format("{}", options_.uid.value_or(geteuid()))}};
      request.on_basics = [entry](std::string text) {
        entry->basics = QemuCaps::Parse(std::move(text));
        entry->changed.Pulse();
      };
      std::string text = co_await ProbeCapabilities(std::move(request));
      caps = QemuCaps::Parse(std::move(text));
      Store(caps);
    }
    entry->caps = caps;
  } catch (...) {
    entry->error = std::current_exception();
  }
  entry->basics = nullptr;
  entry->working = false;
  entry->changed.Pulse();
}

Task<> CapsCache::AddTcg(EntryPtr entry) {
  entry->working = true;
  entry->error = nullptr;
  try {
    ProbeRequest request{.binary = entry->binary, .uid = options_.uid, .gid = options_.gid, .groups = options_.groups};
    std::string lines = co_await ProbeTcgCpus(std::move(request));
    entry->caps = QemuCaps::Parse(AddCapsLines(entry->caps->text(), lines));
    Store(entry->caps);
  } catch (...) {
    entry->error = std::current_exception();
  }
  entry->working = false;
  entry->changed.Pulse();
}

// --- Files ---------------------------------------------------------------------------------------

std::string CapsCache::FileOf(const std::string& binary) const {
  return fmt::format("{}/{}.caps", options_.directory, Sha256(binary));
}

void CapsCache::Store(CapsPtr caps) const {
  if (options_.directory.empty()) return;
  auto write = [](std::string directory, std::string file, CapsPtr caps) -> Task<> {
    auto work = Offload([directory, file, caps] {
      MakeDirs(directory);
      WriteFileAtomic(file, caps->text());
    });
    co_await std::move(work);
  };
  Spawn(write(options_.directory, FileOf(std::string(caps->binary())), caps), "qemu capabilities cache");
}

}  // namespace bv::qemu
