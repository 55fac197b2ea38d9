// Disks, and the SCSI hosts and targets that they are at.

#include "base/text.h"
#include "nodedev/describe_device.h"
#include "nodedev/describe_parts.h"

namespace bv::nodedev {

namespace {

using model::Ability;
using model::AbilityDetails;

std::string Trimmed(const UdevDevice& device, const char* file) {
  std::string text = device.Attribute(file).value_or("");
  std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// What udev found, else what the name says. Others are not told of.
std::string DriveType(const UdevDevice& device, const std::string& node) {
  auto type = device.Property("ID_TYPE");
  if (type && *type != "generic") return *type;
  if (device.Has("ID_DRIVE_FLOPPY")) return "floppy";
  if (device.Has("ID_CDROM")) return "cd";
  if (device.Has("ID_DRIVE_FLASH_SD")) return "sd";
  constexpr std::pair<std::string_view, const char*> kNodes[] = {{"/dev/vd", "disk"}, {"/dev/dasd", "dasd"}, {"/dev/nvme", "disk"}};
  for (auto [prefix, kind] : kNodes) {
    if (node.starts_with(prefix)) return kind;
  }
  throw NotTold();
}

std::uint64_t Size(const UdevDevice& device, const char* file) {
  auto text = device.Attribute(file);
  return text ? Number<std::uint64_t>(*text) : 0;
}

void AddRemovable(const UdevDevice& device, bool has_media, model::NodeCapability& capability) {
  if (device.Attribute("removable") != "1") {
    capability.storage.size = 0;
    return;
  }
  AbilityDetails& ability = capability.abilities.emplace_back();
  ability.kind = Ability::kRemovable;
  if (!has_media) return;
  ability.media_available = 1;
  ability.media_label = device.Property("ID_FS_LABEL").value_or("");
  ability.blocks = Size(device, "size");
  ability.logical_block_size = Size(device, "queue/logical_block_size");
  ability.media_size = ability.blocks * ability.logical_block_size;
}

}  // namespace

void DescribeStorage(const UdevDevice& device, model::NodeDevice& to) {
  model::Storage& storage = to.capability.storage;
  storage.block = device.Node();
  if (storage.block.empty()) throw NotTold();
  storage.bus = device.Property("ID_BUS").value_or("");
  storage.serial = device.Property("ID_SERIAL").value_or("");
  storage.vendor = Trimmed(device, "device/vendor");
  storage.model = Trimmed(device, "device/model");
  storage.drive_type = DriveType(device, storage.block);
  if (storage.drive_type == "cd") {
    storage.drive_type = "cdrom";
    AddRemovable(device, device.Has("ID_CDROM_MEDIA"), to.capability);
  } else if (storage.drive_type == "floppy") {
    bool legacy = !device.Property("ID_CDROM_MEDIA");
    AddRemovable(device, legacy ? device.Property("ID_FS_LABEL").has_value() : device.Has("DKD_MEDIA_AVAILABLE"), to.capability);
  } else if (storage.drive_type == "disk" || storage.drive_type == "sd" || storage.drive_type == "dasd") {
    if (storage.drive_type == "dasd" && storage.serial.empty()) storage.serial = device.Attribute("device/uid").value_or("");
    storage.blocks = Size(device, "size");
    storage.logical_block_size = Size(device, "queue/logical_block_size");
    storage.size = storage.blocks * storage.logical_block_size;
  } else {
    throw NotTold();
  }
  to.name = NameOf(device.subsystem(), device.name(), storage.serial);
}

void DescribeScsiHost(const UdevDevice& device, model::NodeCapability& capability) {
  std::string_view name = device.name();
  if (!name.starts_with("host")) throw NotTold();
  capability.scsi_host.host = Number<unsigned>(name.substr(4));
  const host::DeviceFiles& files = device.files();
  std::string fc = "/sys/class/fc_host/" + std::string(name), scsi = "/sys/class/scsi_host/" + std::string(name);
  if (auto id = files.Read(scsi + "/unique_id")) capability.scsi_host.unique_id = Number<unsigned>(*id);
  if (files.Exists(fc)) {
    auto wwn = [&](const char* file) {
      std::string text = files.Read(fc + file).value_or("");
      return text.starts_with("0x") ? text.substr(2) : text;
    };
    AbilityDetails& ability = capability.abilities.emplace_back();
    ability.kind = Ability::kFcHost;
    ability.wwnn = wwn("/node_name");
    ability.wwpn = wwn("/port_name");
    ability.fabric_wwn = wwn("/fabric_name");
  }
  for (const std::string& directory : {fc, scsi}) {
    if (!files.Exists(directory + "/vport_create")) continue;
    AbilityDetails& ability = capability.abilities.emplace_back();
    ability.kind = Ability::kVportOps;
    ability.max_vports = static_cast<unsigned>(files.ReadNumber(directory + "/max_npiv_vports").value_or(0));
    ability.vports = static_cast<unsigned>(files.ReadNumber(directory + "/npiv_vports_inuse").value_or(0));
    break;
  }
}

// One that is at a port of a Fibre Channel network is below it.
void DescribeScsiTarget(const UdevDevice& device, model::NodeCapability& capability) {
  capability.scsi_target = device.name();
  std::string above = device.path().substr(0, device.path().rfind('/'));
  std::string port = above.substr(above.rfind('/') + 1);
  if (!port.starts_with("rport-")) return;
  AbilityDetails& ability = capability.abilities.emplace_back();
  ability.kind = Ability::kFcRemotePort;
  ability.remote_port = port;
  ability.wwpn = device.files().Read("/sys/class/fc_remote_ports/" + port + "/port_name").value_or("");
}

}  // namespace bv::nodedev
