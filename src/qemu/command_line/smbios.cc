#include "qemu/command_line/boot.h"

namespace bv::qemu {

using namespace model;

namespace {

void AddTables(const Sysinfo& info, bool with_uuid, CommandLine* out) {
  if (auto& bios = info.bios; !(bios.vendor + bios.version + bios.date + bios.release).empty()) {
    out->Option("-smbios", OptionString("type=0")
                               .AddSet("vendor", bios.vendor)
                               .AddSet("version", bios.version)
                               .AddSet("date", bios.date)
                               .AddSet("release", bios.release));
  }
  auto& system = info.system;
  OptionString type1("type=1");
  type1.AddSet("manufacturer", system.manufacturer)
      .AddSet("product", system.product)
      .AddSet("version", system.version)
      .AddSet("serial", system.serial);
  if (with_uuid) type1.AddSet("uuid", system.uuid);
  type1.AddSet("sku", system.sku).AddSet("family", system.family);
  if (type1.str() != "type=1") out->Option("-smbios", type1);

  if (info.base_boards.size() > 1) {
    throw Unsupported("qemu does not support more than one entry to Type 2 in SMBIOS table");
  }
  // libvirt writes these two manufacturers even when they are empty.
  for (auto& board : info.base_boards) {
    out->Option("-smbios", OptionString("type=2")
                               .Add("manufacturer", board.manufacturer)
                               .AddSet("product", board.product)
                               .AddSet("version", board.version)
                               .AddSet("serial", board.serial)
                               .AddSet("asset", board.asset)
                               .AddSet("location", board.location));
  }
  auto& chassis = info.chassis;
  if (!(chassis.manufacturer + chassis.version + chassis.serial + chassis.asset + chassis.sku).empty()) {
    out->Option("-smbios", OptionString("type=3")
                               .Add("manufacturer", chassis.manufacturer)
                               .AddSet("version", chassis.version)
                               .AddSet("serial", chassis.serial)
                               .AddSet("asset", chassis.asset)
                               .AddSet("sku", chassis.sku));
  }
  if (!info.oem_strings.empty()) {
    OptionString strings("type=11");
    for (auto& text : info.oem_strings) strings.Add("value", text);
    out->Option("-smbios", strings);
  }
}

}  // namespace

void AddSmbios(const Context& context, CommandLine* out) {
  const DomainDef& def = context.def;
  auto smbios = [&]() -> const Sysinfo* {
    for (auto& info : def.sysinfo) {
      if (info.type == SysinfoType::kSmbios) return &info;
    }
    return nullptr;
  };
  switch (def.os.smbios) {
    case SmbiosMode::kHost:
      // The host's tables are read when the daemon starts, which containers and virtual hosts lack.
      if (!context.options.host_sysinfo) throw Unsupported("Host SMBIOS information is not available");
      AddTables(*context.options.host_sysinfo, false, out);
      break;
    case SmbiosMode::kSysinfo:
      if (auto* info = smbios()) AddTables(*info, true, out);
      else throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError,
                       fmt::format("Domain '{}' sysinfo are not available", def.name));
      break;
    default:
      break;
  }
  for (auto& info : def.sysinfo) {
    if (info.type != SysinfoType::kFwcfg) continue;
    for (auto& entry : info.fwcfg) {
      // QEMU takes the rest of the option as it stands.
      std::string value = entry.value.empty() ? "file=" + entry.file : "string=" + entry.value;
      out->Option("-fw_cfg", fmt::format("name={},{}", entry.name, value));
    }
  }
}

}  // namespace bv::qemu
