#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace bv::qemu {

// A device of the host that a guest is given.
struct AssignedDevice {
  std::string name;                 // as messages have it, "PCI device 0000:01:00.0"
  bool shareable = false;           // with others that say so too
  std::string pci;                  // the address of a PCI device
  bool managed = false;             // taken from the host's driver and given back to it
  std::vector<std::string> group;   // names of what can only be had along with it, itself among them
};

// Which guest has which device, in this process. On the loop only.
class DeviceClaims {
 public:
  static DeviceClaims& Get();

  struct Owner {
    Uuid guest;
    std::string name;
  };
  // All of them or none: throws kOperationInvalid (domain kNone) when another guest has one or what goes with it.
  void Claim(const std::vector<AssignedDevice>& devices, const Owner& owner);
  // What others have stays theirs.
  void Release(const std::vector<AssignedDevice>& devices, const Uuid& guest);

  bool Has(const AssignedDevice& device, const Uuid& guest) const;
  // Throws as Claim() does when any guest has it.
  void CheckFree(const AssignedDevice& device) const;

 private:
  struct Held {
    Owner owner;
    bool shareable = false;
  };
  void Check(const AssignedDevice& device, const Uuid* guest) const;

  std::multimap<std::string, Held> held_;
};

}  // namespace bv::qemu
