#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/command_line/build.h"
#include "qemu/config.h"

namespace bv::qemu {

// What the description of a device may look at: the guest it belongs to, the emulator and the
// host. Lives as long as one build.
struct Context {
  const model::DomainDef& def;
  const QemuCaps& caps;
  const QemuConfig& config;
  const BuildOptions& options;
  const HostQueries& host;

  bool Has(QemuCap cap) const { return caps.Has(cap); }
};

// What QEMU cannot be asked for: kConfigUnsupported of the QEMU driver.
template <typename... Args>
Error Unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Error Internal(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace bv::qemu
