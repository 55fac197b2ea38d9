// Pools whose volumes are the disks of a host bus adapter.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <charconv>
#include <climits>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/wait.h"
#include "host/kernel_files.h"
#include "storage/backend.h"
#include "storage/scsi_units.h"
#include "storage/tool.h"

namespace bv::storage {

using model::AdapterType;
using model::PoolAdapter;
using model::PoolDef;

namespace {

constexpr const char* kHosts = "/sys/class/scsi_host/";
constexpr const char* kFcHosts = "/sys/class/fc_host/";

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

// "host3", "scsi_host3", "fc_host3": the number.
std::optional<unsigned> NumberIn(std::string_view name) {
  auto at = name.find("host");
  if (at == name.npos) return std::nullopt;
  name.remove_prefix(at + 4);
  unsigned number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// The host below a PCI function that has the number of its own there.
std::optional<unsigned> HostAt(const model::PciAddress& address, unsigned unique_id) {
  std::string function = fmt::format("/{:04x}:{:02x}:{:02x}.{:x}/", address.domain, address.bus, address.slot, address.function);
  host::KernelFiles files;
  for (const std::string& name : files.Names(kHosts)) {
    char target[PATH_MAX];
    auto length = readlink((kHosts + name).c_str(), target, sizeof target);
    if (length < 0 || std::string_view(target, static_cast<std::size_t>(length)).find(function) == std::string_view::npos) continue;
    if (files.ReadNumber(kHosts + name + "/unique_id") == unique_id) return NumberIn(name);
  }
  return std::nullopt;
}

std::optional<unsigned> HostInFabric(const PoolAdapter& adapter) {
  host::KernelFiles files;
  for (const std::string& name : files.Names(kFcHosts)) {
    if (files.Read(kFcHosts + name + "/node_name") == "0x" + adapter.wwnn &&
        files.Read(kFcHosts + name + "/port_name") == "0x" + adapter.wwpn) {
      return NumberIn(name);
    }
  }
  return std::nullopt;
}

unsigned HostOf(const PoolAdapter& adapter) {
  if (adapter.type == AdapterType::kFcHost) {
    if (auto host = HostInFabric(adapter)) return *host;
    Fail(ErrorCode::kXmlError, fmt::format("there is no Fibre Channel host with wwnn='{}' and wwpn='{}'", adapter.wwnn, adapter.wwpn));
  }
  if (adapter.parent_address) {
    if (auto host = HostAt(*adapter.parent_address, adapter.unique_id.value_or(0))) return *host;
    Fail(ErrorCode::kXmlError, fmt::format("there is no SCSI host with unique_id {} at the parent's address", adapter.unique_id.value_or(0)));
  }
  if (auto host = NumberIn(adapter.name.value_or(""))) return *host;
  Fail(ErrorCode::kXmlError, "invalid adapter name '" + adapter.name.value_or("") + "' for SCSI pool");
}

// The kernel looks for disks that have come or gone.
void Rescan(unsigned host) {
  std::string path = fmt::format("{}host{}/scan", kHosts, host);
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kStorage, "Could not open '" + path + "' to trigger host scan");
  constexpr std::string_view kEverything = "- - -";
  if (write(fd.get(), kEverything.data(), kEverything.size()) < 0) {
    throw SystemError(ErrorDomain::kStorage, "Write to '" + path + "' to trigger host scan failed");
  }
}

class ScsiBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    auto exists = [adapter = pool.source.adapter] { return FileExists(fmt::format("{}host{}", kHosts, HostOf(adapter))); };
    co_return co_await Offload(exists);
  }

  Task<PoolContents> Look(const PoolDef& pool) const override {
    auto rescan = [adapter = pool.source.adapter] {
      unsigned host = HostOf(adapter);
      Rescan(host);
      return host;
    };
    auto host = co_await Offload(rescan);
    co_await SettleDevices();
    auto contents = co_await LookAtScsiHost(pool, host);
    co_return contents;
  }
};

constinit const ScsiBackend kScsi;

}  // namespace

constinit const Backend& kScsiPools = kScsi;

}  // namespace bv::storage
