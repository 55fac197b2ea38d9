#pragma once

#include <cstdint>

#include "model/value.h"

// <on_poweroff>, <on_reboot>, <on_crash>, <on_lockfailure>, <pm>
namespace bv::model {

enum class LifecycleAction : std::uint8_t {
  kDestroy, kRestart, kRestartRename, kPreserve, kCoredumpDestroy, kCoredumpRestart,
};
template <>
struct Spelling<LifecycleAction> {
  static constexpr const char* kNames[] = {"destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"};
};
enum class LockFailureAction : std::uint8_t { kDefault, kPoweroff, kRestart, kPause, kIgnore };
template <>
struct Spelling<LockFailureAction> {
  static constexpr const char* kNames[] = {"default", "poweroff", "restart", "pause", "ignore"};
};

struct Lifecycle {
  LifecycleAction on_poweroff = LifecycleAction::kDestroy;
  LifecycleAction on_reboot = LifecycleAction::kRestart;
  LifecycleAction on_crash = LifecycleAction::kDestroy;
  LockFailureAction on_lockfailure = LockFailureAction::kDefault;
};

struct PowerManagement {
  YesNo suspend_to_mem = YesNo::kAbsent, suspend_to_disk = YesNo::kAbsent;
};

}  // namespace bv::model
