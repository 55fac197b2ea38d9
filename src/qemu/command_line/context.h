#pragma once

#include <fmt/format.h>

#include <algorithm>
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

  // With what the guest's <qemu:capabilities> adds and takes away.
  bool Has(QemuCap cap) const;
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

inline bool Context::Has(QemuCap cap) const {
  const auto& qemu = def.qemu;
  if (!qemu.caps_add.empty() && std::ranges::find(qemu.caps_add, NameOf(cap)) != qemu.caps_add.end()) return true;
  if (!qemu.caps_del.empty() && std::ranges::find(qemu.caps_del, NameOf(cap)) != qemu.caps_del.end()) return false;
  return caps.Has(cap);
}

}  // namespace bv::qemu
