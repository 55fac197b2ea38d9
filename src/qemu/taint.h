#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace bv {
struct QemuConfig;
}
namespace bv::model {
struct DomainDef;
}

namespace bv::qemu {

// What makes a running guest hard to support: noted in its log and its status file, under these names, in
// the order of libvirt's virDomainTaintFlags.
enum class Taint : std::uint8_t {
  kCustomArgv, kCustomMonitor, kHighPrivileges, kShellScripts, kDiskProbing, kExternalLaunch, kHostCpu, kHook,
  kCdromPassthrough, kCustomDtb, kCustomGaCommand, kCustomHypervisorFeature, kDeprecatedConfig, kCustomDevice,
};
std::string_view TaintName(Taint taint);
// What people are told: libvirt's words, which scripts look for.
std::string_view TaintMessage(Taint taint);
std::optional<Taint> ParseTaint(std::string_view name);

// Those that a definition brings with it.
std::set<Taint> TaintsOf(const model::DomainDef& def, const QemuConfig& config);

}  // namespace bv::qemu
