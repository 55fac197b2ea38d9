#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/device_files.h"

namespace bv::host {

// A PCI device of the host that guests can be given: taken from its driver, handed back, reset. All of it blocks, the
// more so the longer drivers take; failures throw kSystemError and kInternalError (domain kNone).
class PciFunction {
 public:
  // "0000:01:00.0"
  PciFunction(const DeviceFiles& files, std::string address);

  // The address that a node device's name stands for, if there is such a device: "pci_0000_01_00_0".
  static std::optional<std::string> FindAddress(const DeviceFiles& files, std::string_view name);

  const std::string& address() const { return address_; }
  // Empty for one that has none.
  std::string driver() const;
  // Whether somebody holds it through VFIO.
  bool IsInUse() const;

  // Gives the device to a driver that is not its own, which must be loaded. The old one has it again if that fails.
  void BindTo(const std::string& driver);
  // Lets the host's drivers have it, anew if one has it already.
  void BindToHost();
  // What uses VFIO resets its devices by itself, and so does a device that can (FLR) when it is given away.
  void Reset();

 private:
  void Override(const std::string& driver);
  void Unbind();
  void Probe();
  void Write(const std::string& path, const std::string& text, const std::string& fault);

  const DeviceFiles& files_;
  std::string address_, directory_;
};

// The driver that hands devices to guests.
inline constexpr char kVfioPci[] = "vfio-pci";

}  // namespace bv::host
