#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/domain/storage_source.h"
#include "model/value.h"

// <os>, <bootloader>: what the guest boots.
namespace bv::model {

enum class OsType : std::uint8_t { kNone, kHvm, kXen, kLinux, kExe, kUml, kXenPvh };
template <>
struct Spelling<OsType> {
  static constexpr const char* kNames[] = {"", "hvm", "xen", "linux", "exe", "uml", "xenpvh"};
};

enum class Firmware : std::uint8_t { kNone, kBios, kEfi };
template <>
struct Spelling<Firmware> {
  static constexpr const char* kNames[] = {"", "bios", "efi"};
};

enum class FirmwareFeature : std::uint8_t { kEnrolledKeys, kSecureBoot };
template <>
struct Spelling<FirmwareFeature> {
  static constexpr const char* kNames[] = {"enrolled-keys", "secure-boot"};
};

enum class BootDevice : std::uint8_t { kFloppy, kCdrom, kDisk, kNetwork };
template <>
struct Spelling<BootDevice> {
  static constexpr const char* kNames[] = {"fd", "cdrom", "hd", "network"};
};

enum class LoaderType : std::uint8_t { kNone, kRom, kPflash };
template <>
struct Spelling<LoaderType> {
  static constexpr const char* kNames[] = {"", "rom", "pflash"};
};

struct Loader {
  std::string path;
  YesNo readonly = YesNo::kAbsent, secure = YesNo::kAbsent, stateless = YesNo::kAbsent;
  LoaderType type = LoaderType::kNone;
};

// <nvram>: path of a file as text, or (typed) a whole storage source.
struct Nvram {
  std::string template_path;
  bool new_style = false;  // written as <nvram type='..'><source/></nvram>
  StorageSource source;
};

enum class SmbiosMode : std::uint8_t { kAbsent, kEmulate, kHost, kSysinfo };
template <>
struct Spelling<SmbiosMode> {
  static constexpr const char* kNames[] = {"", "emulate", "host", "sysinfo"};
};

struct BootMenu {
  YesNo enable = YesNo::kAbsent;
  std::optional<unsigned> timeout_ms;  // 0..65535
};

struct OsBios {
  YesNo useserial = YesNo::kAbsent;
  std::optional<int> reboot_timeout;  // ms, -1..65535
};

struct InitEnv {
  std::string name, value;
};

struct Os {
  OsType type = OsType::kNone;
  std::string arch;     // empty until defaults fill it
  std::string machine;  // as written; defaults make it canonical
  Firmware firmware = Firmware::kNone;
  std::array<YesNo, 2> firmware_features{};  // by FirmwareFeature
  std::vector<BootDevice> boot;
  BootMenu boot_menu;
  OsBios bios;
  SmbiosMode smbios = SmbiosMode::kAbsent;
  std::optional<Loader> loader;
  std::optional<Nvram> nvram;
  std::string kernel, initrd, cmdline, dtb, root;
  std::string acpi_table;  // a SLIC table
  std::string bootloader, bootloader_args;
  // Containers:
  std::string init, init_dir, init_user, init_group;
  std::vector<std::string> init_args;
  std::vector<InitEnv> init_env;

  YesNo feature(FirmwareFeature f) const { return firmware_features[static_cast<std::size_t>(f)]; }
};

}  // namespace bv::model
