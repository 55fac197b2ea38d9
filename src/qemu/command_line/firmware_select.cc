#include "qemu/command_line/firmware_select.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr std::string_view kLogSource = "qemu.qemu_firmware";

std::vector<std::string> Strings(const Json& list) {
  std::vector<std::string> result;
  for (auto& element : list.elements()) {
    if (auto text = element.AsString()) result.push_back(*text);
  }
  return result;
}

std::string Text(const Json& object, const char* key) { return object.Find(key).AsString().value_or(""); }

bool Targets(const FirmwareDescriptor& firmware, std::string_view guest_arch, const std::string& machine) {
  return std::ranges::any_of(firmware.targets, [&](auto& target) {
    // QEMU calls what libvirt has as i686 i386.
    std::string_view arch = target.architecture == "i386" ? "i686" : std::string_view(target.architecture);
    return arch == guest_arch && std::ranges::any_of(target.machines, [&](auto& glob) {
             return fnmatch(glob.c_str(), machine.c_str(), 0) == 0;
           });
  });
}

// What <firmware><feature/></firmware> asks for.
bool FeatureFits(YesNo wanted, bool offered) { return wanted == YesNo::kAbsent || (wanted == YesNo::kYes) == offered; }

}  // namespace

bool FirmwareDescriptor::Has(std::string_view feature) const { return std::ranges::find(features, feature) != features.end(); }
bool FirmwareDescriptor::Offers(std::string_view interface) const {
  return std::ranges::find(interfaces, interface) != interfaces.end();
}

FirmwareDescriptor ParseFirmwareDescriptor(std::string_view json) {
  const Json root = Json::Parse(json);
  FirmwareDescriptor firmware;
  firmware.interfaces = Strings(root.GetArray("interface-types"));
  const Json mapping = root.GetObject("mapping");
  const std::string device = mapping.GetString("device");
  if (device == "flash") {
    const Json executable = mapping.GetObject("executable");
    firmware.executable = executable.GetString("filename");
    firmware.executable_format = executable.GetString("format");
    const Json variables = mapping.Find("nvram-template");
    firmware.nvram_template = Text(variables, "filename");
    firmware.nvram_format = Text(variables, "format");
    if (auto mode = Text(mapping, "mode"); !mode.empty()) firmware.flash_mode = mode;
  } else {
    firmware.device = device == "memory" ? FirmwareDescriptor::Device::kMemory : FirmwareDescriptor::Device::kKernel;
    firmware.executable = mapping.GetString("filename");
  }
  for (auto& target : root.GetArray("targets").elements()) {
    firmware.targets.push_back({Text(target, "architecture"), Strings(target.Find("machines"))});
  }
  firmware.features = Strings(root.GetArray("features"));
  return firmware;
}

std::vector<std::string> FirmwareDirectories(bool privileged) { return DescriptorDirectories("firmware", privileged); }

std::vector<std::string> DescriptorDirectories(std::string_view kind, bool privileged) {
  std::vector<std::string> directories = {fmt::format("/usr/share/qemu/{}", kind), fmt::format("/etc/qemu/{}", kind)};
  if (!privileged) {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    if (config && *config) directories.push_back(fmt::format("{}/qemu/{}", config, kind));
    else if (home) directories.push_back(fmt::format("{}/.config/qemu/{}", home, kind));
  }
  return directories;
}

std::vector<FirmwareDescriptor> ReadFirmwareDescriptors(const std::vector<std::string>& directories) {
  std::map<std::string, std::string> files;  // by name
  for (auto& directory : directories) {
    for (const std::string& name : ListDirectory(directory, ".json")) files[name] = directory + "/" + name;
  }
  std::vector<FirmwareDescriptor> result;
  for (auto& [name, path] : files) {
    try {
      std::string text = ReadFile(path);
      if (!text.empty()) result.push_back(ParseFirmwareDescriptor(text));
    } catch (const Error& error) {
      LogWarn(kLogSource, "{}: {}", path, error.what());
    }
  }
  return result;
}

FirmwareChoice FirmwareFor(const std::vector<FirmwareDescriptor>& all, std::string_view arch, std::string_view machine) {
  FirmwareChoice choice;
  bool bios = false, efi = false;
  for (auto& firmware : all) {
    if (!Targets(firmware, arch, std::string(machine))) continue;
    bios |= firmware.Offers("bios");
    efi |= firmware.Offers("uefi");
    choice.secure |= firmware.Has("requires-smm");
    const bool named = firmware.device != FirmwareDescriptor::Device::kKernel && firmware.flash_mode != "combined";
    if (named && std::ranges::find(choice.images, firmware.executable) == choice.images.end()) choice.images.push_back(firmware.executable);
  }
  if (bios) choice.types.push_back("bios");
  if (efi) choice.types.push_back("efi");
  return choice;
}

bool FirmwareFits(const FirmwareDescriptor& firmware, const DomainDef& def) {
  const Os& os = def.os;
  if (!firmware.Offers(os.firmware == Firmware::kEfi ? "uefi" : "bios") || !Targets(firmware, def.os.arch, def.os.machine)) return false;

  const bool secure = firmware.Has("secure-boot"), smm = firmware.Has("requires-smm");
  if (!FeatureFits(os.feature(FirmwareFeature::kSecureBoot), secure)) return false;
  if (!FeatureFits(os.feature(FirmwareFeature::kEnrolledKeys), firmware.Has("enrolled-keys"))) return false;
  if (smm && def.features.smm == OnOff::kOff) return false;
  if (os.loader) {
    if (os.loader->secure == YesNo::kYes && !(secure && smm)) return false;
    if (os.loader->secure == YesNo::kNo && smm) return false;
    if (os.loader->stateless == YesNo::kYes && firmware.device == FirmwareDescriptor::Device::kFlash &&
        firmware.flash_mode != "stateless") {
      return false;
    }
    if (os.loader->type == LoaderType::kRom && firmware.device == FirmwareDescriptor::Device::kFlash) return false;
    if (os.loader->type == LoaderType::kPflash && firmware.device != FirmwareDescriptor::Device::kFlash) return false;
    if (!os.loader->path.empty() && os.loader->path != firmware.executable) return false;
  }
  if (firmware.device == FirmwareDescriptor::Device::kKernel || firmware.flash_mode == "combined") return false;
  if (firmware.device == FirmwareDescriptor::Device::kFlash && firmware.executable_format != "raw") return false;
  if (def.pm.suspend_to_mem == YesNo::kYes && !firmware.Has("acpi-s3")) return false;
  if (def.pm.suspend_to_disk == YesNo::kYes && !firmware.Has("acpi-s4")) return false;
  if (def.launch_security && def.launch_security->type == LaunchSecurityType::kSev) {
    constexpr unsigned kEncryptedState = 1 << 2;
    if (!firmware.Has(def.launch_security->policy & kEncryptedState ? "amd-sev-es" : "amd-sev")) return false;
  }
  return true;
}

void UseFirmware(const FirmwareDescriptor& firmware, DomainDef* def) {
  Os& os = def->os;
  if (!os.loader) os.loader.emplace();
  os.loader->path = firmware.executable;
  if (firmware.device == FirmwareDescriptor::Device::kFlash) {
    os.loader->type = LoaderType::kPflash;
    os.loader->readonly = YesNo::kYes;
    if (firmware.flash_mode == "split") {
      if (!os.nvram) os.nvram.emplace();
      if (os.nvram->template_path.empty()) os.nvram->template_path = firmware.nvram_template;
    }
  } else {
    os.loader->type = LoaderType::kRom;
  }
  if (firmware.Has("requires-smm")) {
    def->features.smm = OnOff::kOn;
    os.loader->secure = YesNo::kYes;
  }
}

void SelectFirmware(DomainDef* def, bool privileged) {
  for (auto& firmware : ReadFirmwareDescriptors(FirmwareDirectories(privileged))) {
    if (!FirmwareFits(firmware, *def)) continue;
    UseFirmware(firmware, def);
    // Chosen: from here on the guest names its images.
    def->os.firmware = Firmware::kNone;
    return;
  }
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed,
              fmt::format("Unable to find any firmware to satisfy '{}'", ToString(def->os.firmware)));
}

}  // namespace bv::qemu
