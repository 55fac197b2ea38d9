#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace bv::qemu {

// What a QEMU binary can do, one bit each; the rows are in capabilities_flags.inc.
enum class QemuCap {
#define CAP(enumerator, name, rule) enumerator,
#include "qemu/capabilities_flags.inc"
#undef CAP
};

// How a flag is detected, and of what.
struct QemuCapRule {
  enum class Source {
    kType,
    kProperty,
    kPropertyOff,
    kObjectProperty,
    kCommand,
    kSchema,
    kOption,
    kMigration,
    kTpmModel,
    kTpmType,
    kSince,
    kX86Only,
    kDerived,
  };
  std::string_view name;
  Source source;
  const char* subject = nullptr;
  const char* member = nullptr;
  unsigned version = 0;
};

// One row a flag, indexed by it.
std::span<const QemuCapRule> QemuCapRules();
inline const QemuCapRule& RuleOf(QemuCap cap) { return QemuCapRules()[static_cast<std::size_t>(cap)]; }
inline std::string_view NameOf(QemuCap cap) { return RuleOf(cap).name; }
// The flag of libvirt's name; nullopt for one that we do not know.
std::optional<QemuCap> FindQemuCap(std::string_view name);

}  // namespace bv::qemu
