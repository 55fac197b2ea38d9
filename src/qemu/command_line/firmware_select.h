#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/domain/domain.h"

namespace bv::qemu {

// One firmware descriptor (QEMU's docs/interop/firmware.json): what it is and where its images lie.
struct FirmwareDescriptor {
  enum class Device { kFlash, kKernel, kMemory };
  std::vector<std::string> interfaces;  // "bios", "uefi"
  Device device = Device::kFlash;
  std::string executable, executable_format;
  std::string nvram_template, nvram_format;
  std::string flash_mode = "split";     // "split", "combined", "stateless"
  struct Target {
    std::string architecture;
    std::vector<std::string> machines;  // globs
  };
  std::vector<Target> targets;
  std::vector<std::string> features;    // "secure-boot", "requires-smm", "enrolled-keys" ...

  bool Has(std::string_view feature) const;
  bool Offers(std::string_view interface) const;
};

// Throws Error when it is not one.
FirmwareDescriptor ParseFirmwareDescriptor(std::string_view json);

// Descriptors of the directories, sorted by file name; a later directory's file replaces one of the
// same name, and an empty file hides it. Unreadable ones are logged and skipped. Small reads.
std::vector<FirmwareDescriptor> ReadFirmwareDescriptors(const std::vector<std::string>& directories);
// Where libvirt looks: the vendor's, the administrator's, and a session user's own.
std::vector<std::string> FirmwareDirectories(bool privileged);
// The same for other descriptors of QEMU's: "vhost-user".
std::vector<std::string> DescriptorDirectories(std::string_view kind, bool privileged);

// What domain capabilities say of them for one architecture and machine.
struct FirmwareChoice {
  std::vector<std::string> images;  // as a guest's <loader> would name them
  std::vector<std::string> types;   // of <os firmware=>
  bool secure = false;
};
FirmwareChoice FirmwareFor(const std::vector<FirmwareDescriptor>& all, std::string_view arch, std::string_view machine);

// Whether a guest that leaves the choice to us can use it.
bool FirmwareFits(const FirmwareDescriptor& firmware, const model::DomainDef& def);
// Sets the definition's loader, variables and what they need.
void UseFirmware(const FirmwareDescriptor& firmware, model::DomainDef* def);

// Chooses the first that fits. Throws kOperationFailed when there is none.
void SelectFirmware(model::DomainDef* def, bool privileged);

}  // namespace bv::qemu
