#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/value.h"

// <sysinfo>: the host's own SMBIOS tables as `virsh sysinfo` shows them, and what a guest sees.
namespace bv::model {

enum class SysinfoType : std::uint8_t { kSmbios, kFwcfg };
template <>
struct Spelling<SysinfoType> {
  static constexpr const char* kNames[] = {"smbios", "fwcfg"};
};
struct SysinfoBios {
  std::string vendor, version, date, release;
};
struct SysinfoSystem {
  std::string manufacturer, product, version, serial, uuid, sku, family;
};
struct SysinfoBaseBoard {
  std::string manufacturer, product, version, serial, asset, location;
};
struct SysinfoChassis {
  std::string manufacturer, version, serial, asset, sku;
};
struct SysinfoProcessor {
  std::string socket_destination, type, family, manufacturer, signature, version, external_clock, max_speed, status, serial, part_number;
};
struct SysinfoMemoryDevice {
  std::string size, form_factor, locator, bank_locator, type, type_detail, speed, manufacturer, serial, part_number;
};
struct FwcfgEntry {
  std::string name, value, file;
};

struct Sysinfo {
  SysinfoType type = SysinfoType::kSmbios;
  SysinfoBios bios;
  SysinfoSystem system;
  std::vector<SysinfoBaseBoard> base_boards;
  SysinfoChassis chassis;
  std::vector<SysinfoProcessor> processors;       // host only
  std::vector<SysinfoMemoryDevice> memory_devices;  // host only
  std::vector<std::string> oem_strings;
  std::vector<FwcfgEntry> fwcfg;
};

}  // namespace bv::model
