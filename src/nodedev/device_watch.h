#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace bv::nodedev {

// What happened to a device.
struct DeviceChange {
  std::string action;     // "add", "change", "remove", "move" ...
  std::string path;       // "/sys/devices/..."
  std::string old_path;   // of "move"
  std::string subsystem;
};

// From a datagram of the kernel's, or of udev's if `udev`; nullopt for one that is neither.
std::optional<DeviceChange> ParseChange(std::string_view datagram, bool udev);

// The changes that are broadcast on this machine: udev's, which come when its rules are through, or where no udev runs
// those of the kernel itself.
class DeviceWatch {
 public:
  // From now on. Throws kSystemError.
  void Open();
  bool is_open() const { return static_cast<bool>(socket_); }
  int fd() const { return socket_.get(); }

  // What has come since, without waiting. Nullopt when more came than was held, so that some are lost.
  std::optional<std::vector<DeviceChange>> Take();

 private:
  Fd socket_;
  bool udev_ = false;
};

}  // namespace bv::nodedev
