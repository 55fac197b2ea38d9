#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "model/host_interface.h"
#include "model/value.h"
#include "protocol/node_device_capabilities.h"

// <device>: a device of the host, with the one thing that it is (its capability) and what more it can do.
namespace bv::model {

enum class Capability : std::uint8_t {
  kSystem, kPci, kUsbDevice, kUsbInterface, kNet, kScsiHost, kScsiTarget, kScsi, kStorage, kFcHost, kVports,
  kScsiGeneric, kDrm, kMdevTypes, kMdev, kCcw, kCss, kVdpa, kApCard, kApQueue, kApMatrix, kVpd,
};
template <>
struct Spelling<Capability> {
  static constexpr auto& kNames = remote::kNodeDeviceCapabilities;
};
// Of a set of them, which is what flags of listings are.
constexpr std::uint32_t Bit(Capability capability) { return 1u << static_cast<unsigned>(capability); }

struct SystemDevice {
  std::string product;
  std::string vendor, version, serial;
  std::optional<Uuid> uuid;
  std::string firmware_vendor, firmware_version, firmware_date;
};

struct PciPlace {
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
};

// <product id='0x10'>Name</product>
struct IdAndName {
  unsigned id = 0;
  std::string name;
};

enum class PcieLinkKind : std::uint8_t { kCapability, kState };
template <>
struct Spelling<PcieLinkKind> {
  static constexpr const char* kNames[] = {"cap", "sta"};
};
enum class PcieSpeed : std::uint8_t { kAbsent, k2_5, k5, k8, k16, k32, k64 };
template <>
struct Spelling<PcieSpeed> {
  static constexpr const char* kNames[] = {"", "2.5", "5", "8", "16", "32", "64"};
};
struct PcieLink {
  PcieLinkKind kind = PcieLinkKind::kCapability;
  std::optional<unsigned> port;
  PcieSpeed speed = PcieSpeed::kAbsent;
  unsigned width = 0;
};
struct PciExpress {
  std::vector<PcieLink> links;
};
struct IommuGroup {
  unsigned number = 0;
  std::vector<PciPlace> devices;
};

struct PciDevice {
  std::optional<unsigned> device_class;
  PciPlace place;
  IdAndName product, vendor;
  std::optional<IommuGroup> iommu_group;
  std::optional<int> numa_node;
  std::optional<PciExpress> express;
};

struct UsbDevice {
  unsigned bus = 0, device = 0;
  IdAndName product, vendor;
};
struct UsbInterface {
  unsigned number = 0, interface_class = 0, subclass = 0, protocol = 0;
  std::string description;
};

struct NetFeature {
  std::string name;
};
struct NetDevice {
  std::string interface;
  std::optional<std::string> address;
  HostLink link;
  std::vector<NetFeature> features;
};

struct ScsiHost {
  unsigned host = 0;
  std::optional<unsigned> unique_id;
};
struct ScsiDevice {
  unsigned host = 0, bus = 0, target = 0, lun = 0;
  std::string type;
};

struct Storage {
  std::string block, bus, drive_type, model, vendor, serial;
  std::optional<std::uint64_t> size;
  std::uint64_t logical_block_size = 0, blocks = 0;
};

enum class DrmKind : std::uint8_t { kPrimary, kControl, kRender };
template <>
struct Spelling<DrmKind> {
  static constexpr const char* kNames[] = {"primary", "control", "render"};
};

struct MdevAttribute {
  std::string name, value;
};
struct Mdev {
  std::string type;
  std::optional<Uuid> uuid;
  std::string parent_address;
  std::vector<MdevAttribute> attributes;
  unsigned iommu_group = 0;
};

struct CcwPlace {
  unsigned cssid = 0, ssid = 0, devno = 0;
};
struct CssDevice {
  CcwPlace place;
  std::optional<CcwPlace> channel;
};

struct ApDevice {
  unsigned adapter = 0, domain = 0;  // a card has no domain
};

// What a device can do besides.
enum class Ability : std::uint8_t {
  kPhysicalFunction, kVirtualFunctions, kPciBridge, kCardbusBridge, kMdevTypes, k80203, k80211, kFcHost, kVportOps,
  kFcRemotePort, kRemovable, kHotpluggable,
};
template <>
struct Spelling<Ability> {
  static constexpr const char* kNames[] = {"phys_function", "virt_functions", "pci-bridge", "cardbus-bridge", "mdev_types",  "80203",
                                           "80211",         "fc_host",        "vport_ops",  "fc_remote_port", "removable", "hotpluggable"};
};
struct MdevType {
  std::string id, name, device_api;
  std::uint64_t instances = 0;
};
struct AbilityDetails {
  Ability kind = Ability::kPhysicalFunction;
  unsigned max_functions = 0;
  std::vector<PciPlace> functions;
  std::vector<MdevType> mdev_types;
  std::string wwnn, wwpn, fabric_wwn;
  unsigned max_vports = 0, vports = 0;
  std::string remote_port;
  unsigned media_available = 0;
  std::uint64_t media_size = 0;
  std::string media_label;
  std::uint64_t logical_block_size = 0, blocks = 0;
};

struct NodeCapability {
  Capability type = Capability::kSystem;
  SystemDevice system;  // the part that belongs to the type
  PciDevice pci;
  UsbDevice usb_device;
  UsbInterface usb_interface;
  NetDevice net;
  ScsiHost scsi_host;
  std::string scsi_target;
  ScsiDevice scsi;
  Storage storage;
  std::string character_device;
  DrmKind drm = DrmKind::kPrimary;
  Mdev mdev;
  CcwPlace ccw;
  CssDevice css;
  ApDevice ap;
  std::vector<AbilityDetails> abilities;

  const AbilityDetails* Find(Ability ability) const;
};

struct Devnode {
  std::string kind;  // "dev" or "link"
  std::string path;
};

struct NodeDevice {
  std::string name;  // "new device" for one that has none yet
  std::string path;
  std::vector<Devnode> devnodes;
  std::string parent;
  std::string parent_wwnn, parent_wwpn, parent_fabric_wwn;  // instead of its name, when a device is made
  std::string driver;
  NodeCapability capability;
};

// The type of the device and what it can do: what listings are filtered by.
std::uint32_t CapabilitiesOf(const NodeDevice& device);
// The same as their names, the type first.
std::vector<std::string> CapabilityNames(const NodeDevice& device);

NodeDevice ParseNodeDevice(std::string_view xml, bool validate);
std::string FormatNodeDevice(const NodeDevice& device);

}  // namespace bv::model
