#include "nodedev/describe_device.h"

#include <algorithm>

#include "base/error.h"
#include "host/link_state.h"
#include "nodedev/describe_parts.h"
#include "nodedev/net_features.h"

namespace bv::nodedev {

namespace {

using model::Capability;
using model::NodeCapability;
using model::NodeDevice;

// The kernel's kinds that are told of. Some have no type of their own.
struct Kind {
  std::string_view subsystem, type;
  Capability capability;
};
constexpr Kind kKinds[] = {
    {"pci", "", Capability::kPci},
    {"usb", "usb_device", Capability::kUsbDevice},
    {"usb", "usb_interface", Capability::kUsbInterface},
    {"net", "", Capability::kNet},
    {"net", "wlan", Capability::kNet},
    {"scsi", "scsi_host", Capability::kScsiHost},
    {"scsi", "scsi_target", Capability::kScsiTarget},
    {"scsi", "scsi_device", Capability::kScsi},
    {"block", "disk", Capability::kStorage},
    {"scsi_generic", "", Capability::kScsiGeneric},
    {"drm", "drm_minor", Capability::kDrm},
    {"mdev", "", Capability::kMdev},
    {"ccw", "", Capability::kCcw},
    {"css", "", Capability::kCss},
    {"vdpa", "", Capability::kVdpa},
    {"ap", "ap_card", Capability::kApCard},
    {"ap", "ap_queue", Capability::kApQueue},
    {"matrix", "", Capability::kApMatrix},
};

unsigned NumberFile(const UdevDevice& device, const char* file, int base) {
  auto text = device.Attribute(file);
  return text ? Number<unsigned>(*text, base) : 0;
}

unsigned NumberProperty(const UdevDevice& device, const char* key, int base) {
  return Number<unsigned>(device.Property(key).value_or(""), base);
}

// Of a USB device's identity: udev took it from the file, which says it where no udev runs.
model::IdAndName UsbId(const UdevDevice& device, const char* property, const char* file, const char* name, const char* name_file) {
  auto id = device.Property(property);
  if (!id) id = device.Attribute(file);
  auto text = device.Property(name);
  if (!text) text = device.Attribute(name_file);
  return {Number<unsigned>(id.value_or(""), 16), text.value_or("")};
}

model::CcwPlace CcwPlaceOf(std::string_view text) {
  auto numbers = HexNumbers(text);
  if (numbers.size() != 3) throw NotTold();
  return {numbers[0], numbers[1], numbers[2]};
}

void DescribeNet(const UdevDevice& device, bool full, NodeDevice& to) {
  model::NetDevice& net = to.capability.net;
  auto interface = device.Property("INTERFACE");
  if (!interface) throw NotTold();
  net.interface = *interface;
  net.address = device.Attribute("address");
  bool wireless = device.Property("DEVTYPE") == "wlan";
  to.capability.abilities.emplace_back().kind = wireless ? model::Ability::k80211 : model::Ability::k80203;
  to.name = NameOf(device.subsystem(), device.name(), net.address.value_or(""));
  net.link = host::ReadLinkState(device.files(), net.interface);
  if (!full) return;
  for (std::string& feature : NetFeatures(device.files(), net.interface)) net.features.push_back({std::move(feature)});
}

// The types of the SCSI standard, by number.
constexpr const char* kScsiTypes[] = {"disk", "tape", nullptr, "processor", "worm", "cdrom", "scanner", "mod", "changer", nullptr, nullptr, nullptr, "raid", "enclosure"};

void DescribeScsi(const UdevDevice& device, model::ScsiDevice& scsi) {
  std::vector<unsigned> numbers;
  std::string_view rest = device.name();
  while (!rest.empty()) {
    numbers.push_back(Number<unsigned>(rest.substr(0, rest.find(':'))));
    rest.remove_prefix(std::min(rest.find(':'), rest.size() - 1) + 1);
  }
  if (numbers.size() != 4) throw NotTold();
  scsi = {numbers[0], numbers[1], numbers[2], numbers[3], ""};
  auto type = device.Attribute("type");
  if (!type) return;
  unsigned number = Number<unsigned>(*type);
  if (number < std::size(kScsiTypes) && kScsiTypes[number]) scsi.type = kScsiTypes[number];
}

void DescribeMdev(const UdevDevice& device, NodeDevice& to) {
  model::Mdev& mdev = to.capability.mdev;
  mdev.type = device.files().LinkName(device.path() + "/mdev_type");
  mdev.uuid = Uuid::Parse(device.name());
  mdev.iommu_group = Number<unsigned>(device.files().LinkName(device.path() + "/iommu_group"));
  std::string above = device.path().substr(0, device.path().rfind('/'));
  mdev.parent_address = above.substr(above.rfind('/') + 1);
  if (mdev.type.empty() || !mdev.uuid) throw NotTold();
  to.name = NameOf(device.subsystem(), device.name(), mdev.parent_address);
}

void DescribeCss(const UdevDevice& device, NodeCapability& capability) {
  auto driver = device.Property("DRIVER");
  if (driver != "io_subchannel" && driver != "vfio_ccw") throw NotTold();
  capability.css.place = CcwPlaceOf(device.name());
  if (auto channel = device.Attribute("dev_busid"); channel && *channel != "none") capability.css.channel = CcwPlaceOf(*channel);
  AddMdevTypes(device, capability);
}

std::string VdpaNode(const UdevDevice& device) {
  for (const std::string& name : device.files().Names(device.path())) {
    if (name.starts_with("vhost-vdpa") && device.files().Exists("/dev/" + name)) return "/dev/" + name;
  }
  throw NotTold();
}

void DescribeKind(const UdevDevice& device, bool full, NodeDevice& to) {
  NodeCapability& capability = to.capability;
  switch (capability.type) {
    case Capability::kPci: DescribePci(device, full, capability); break;
    case Capability::kUsbDevice:
      capability.usb_device = {
          NumberProperty(device, "BUSNUM", 10), NumberProperty(device, "DEVNUM", 10),
          UsbId(device, "ID_MODEL_ID", "idProduct", "ID_MODEL_FROM_DATABASE", "product"),
          UsbId(device, "ID_VENDOR_ID", "idVendor", "ID_VENDOR_FROM_DATABASE", "manufacturer")};
      break;
    case Capability::kUsbInterface:
      capability.usb_interface = {NumberFile(device, "bInterfaceNumber", 16), NumberFile(device, "bInterfaceClass", 16),
                                  NumberFile(device, "bInterfaceSubClass", 16), NumberFile(device, "bInterfaceProtocol", 16), ""};
      break;
    case Capability::kNet: DescribeNet(device, full, to); break;
    case Capability::kScsiHost: DescribeScsiHost(device, capability); break;
    case Capability::kScsiTarget: DescribeScsiTarget(device, capability); break;
    case Capability::kScsi: DescribeScsi(device, capability.scsi); break;
    case Capability::kStorage: DescribeStorage(device, to); break;
    case Capability::kScsiGeneric:
      capability.character_device = device.Node();
      if (capability.character_device.empty()) throw NotTold();
      break;
    case Capability::kDrm: {
      unsigned kind = NumberProperty(device, "MINOR", 10) >> 6;
      if (kind >= std::size(model::Spelling<model::DrmKind>::kNames)) throw NotTold();
      capability.drm = static_cast<model::DrmKind>(kind);
      break;
    }
    case Capability::kMdev: DescribeMdev(device, to); break;
    case Capability::kCcw:
      if (device.Attribute("online") != "1") throw NotTold();
      capability.ccw = CcwPlaceOf(device.name());
      break;
    case Capability::kCss: DescribeCss(device, capability); break;
    case Capability::kVdpa: capability.character_device = VdpaNode(device); break;
    case Capability::kApCard:
      if (!device.name().starts_with("card")) throw NotTold();
      capability.ap.adapter = Number<unsigned>(device.name().substr(4), 16);
      break;
    case Capability::kApQueue: {
      auto numbers = HexNumbers(device.name());
      if (numbers.size() != 2) throw NotTold();
      capability.ap = {numbers[0], numbers[1]};
      break;
    }
    case Capability::kApMatrix:
      to.name = NameOf("ap", device.name());
      AddMdevTypes(device, capability);
      break;
    default: throw NotTold();
  }
}

}  // namespace

std::vector<unsigned> HexNumbers(std::string_view text) {
  std::vector<unsigned> numbers;
  while (!text.empty()) {
    std::size_t end = std::min(text.find_first_of(".:"), text.size());
    numbers.push_back(Number<unsigned>(text.substr(0, end), 16));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return numbers;
}

std::string NameOf(std::string_view subsystem, std::string_view name, std::string_view more) {
  std::string result = std::string(subsystem) + "_" + std::string(name);
  if (!more.empty()) result += "_" + std::string(more);
  for (char& c : result) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain) c = '_';
  }
  return result;
}

std::optional<NodeDevice> Describe(const UdevDevice& device, bool full) {
  if (!device.exists()) return std::nullopt;
  std::string type = device.Property("DEVTYPE").value_or("");
  auto kind = std::ranges::find_if(kKinds, [&](const Kind& k) { return k.subsystem == device.subsystem() && k.type == type; });
  if (kind == std::end(kKinds)) return std::nullopt;
  NodeDevice described;
  described.path = device.path();
  described.capability.type = kind->capability;
  try {
    DescribeKind(device, full, described);
  } catch (const NotTold&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
  if (described.name.empty()) described.name = NameOf(device.subsystem(), device.name());
  if (!full) return described;
  if (std::string node = device.Node(); !node.empty()) described.devnodes.push_back({"dev", std::move(node)});
  for (const std::string& link : device.links()) described.devnodes.push_back({"link", link});
  described.driver = device.driver();
  return described;
}

NodeDevice DescribeComputer(const host::DeviceFiles& files, const Uuid& host) {
  NodeDevice computer;
  computer.name = kComputer;
  model::SystemDevice& system = computer.capability.system;
  system.uuid.emplace();
  UdevDevice dmi(files, "/sys/devices/virtual/dmi/id");
  if (!dmi.exists()) return computer;
  auto text = [&](const char* file) { return dmi.Attribute(file).value_or(""); };
  system.product = text("product_name");
  system.vendor = text("sys_vendor");
  system.version = text("product_version");
  system.serial = text("product_serial");
  system.uuid = host;
  system.firmware_vendor = text("bios_vendor");
  system.firmware_version = text("bios_version");
  system.firmware_date = text("bios_date");
  return computer;
}

}  // namespace bv::nodedev
