#include "model/node_device.h"

#include "model/describe/engine.h"
#include "model/host_interface_parts.h"

namespace bv::model {

namespace {

using C = NodeCapability;
using A = AbilityDetails;
using D = NodeDevice;

template <typename T>
void ReadNothing(Parser&, T&, const xml::Node&) {}
// The end of the element on a line of its own, though nothing is in it.
template <typename T>
void EndTag(Formatter& f, const T&) {
  f.out().Verbatim("");
}

// --- parts that several kinds of device have ---

constexpr RowOf<PciPlace> kAddressRows[] = {
    Attr<&PciPlace::domain>("domain").Hex(4).Always(),
    Attr<&PciPlace::bus>("bus").Hex(2).Always(),
    Attr<&PciPlace::slot>("slot").Hex(2).Always(),
    Attr<&PciPlace::function>("function").Hex().Always(),
};
constexpr Description<PciPlace> kAddress{kAddressRows};

constexpr RowOf<IdAndName> kIdRows[] = {Attr<&IdAndName::id>("id").Hex(4).Always(), Text<&IdAndName::name>()};
constexpr Description<IdAndName> kId{kIdRows};

constexpr RowOf<CcwPlace> kCcwRows[] = {
    TextChild<&CcwPlace::cssid>("cssid").Hex().Always(),
    TextChild<&CcwPlace::ssid>("ssid").Hex().Always(),
    TextChild<&CcwPlace::devno>("devno").Hex(4).Always(),
};
constexpr Description<CcwPlace> kCcw{kCcwRows};

// --- what a device can do besides ---

constexpr RowOf<MdevType> kMdevTypeRows[] = {
    Attr<&MdevType::id>("id").Required(),
    TextChild<&MdevType::name>("name"),
    TextChild<&MdevType::device_api>("deviceAPI"),
    TextChild<&MdevType::instances>("availableInstances").Always(),
};
constexpr Description<MdevType> kMdevType{kMdevTypeRows};

template <Ability... kKinds>
bool Can(const A& a) {
  return ((a.kind == kKinds) || ...);
}
constexpr auto kFunctions = &Can<Ability::kPhysicalFunction, Ability::kVirtualFunctions>;
constexpr auto kMdevs = &Can<Ability::kMdevTypes>;
constexpr auto kFc = &Can<Ability::kFcHost>;
constexpr auto kVport = &Can<Ability::kVportOps>;
constexpr auto kPort = &Can<Ability::kFcRemotePort>;
constexpr auto kFcOrPort = &Can<Ability::kFcHost, Ability::kFcRemotePort>;
constexpr auto kRemovable = &Can<Ability::kRemovable>;

constexpr RowOf<A> kAbilityRows[] = {
    Attr<&A::kind>("type").Required(),
    Attr<&A::max_functions>("maxCount").SkipZero().When<kFunctions>(),
    Child<&A::functions>("address", kAddress).When<kFunctions>(),
    Child<&A::mdev_types>("type", kMdevType).When<kMdevs>(),
    TextChild<&A::wwnn>("wwnn").When<kFc>(),
    TextChild<&A::remote_port>("rport").When<kPort>(),
    TextChild<&A::wwpn>("wwpn").When<kFcOrPort>(),
    TextChild<&A::fabric_wwn>("fabric_wwn").When<kFc>(),
    TextChild<&A::max_vports>("max_vports").Always().When<kVport>(),
    TextChild<&A::vports>("vports").Always().When<kVport>(),
    TextChild<&A::media_available>("media_available").Always().When<kRemovable>(),
    TextChild<&A::media_size>("media_size").Always().When<kRemovable>(),
    TextChild<&A::media_label>("media_label").When<kRemovable>(),
    TextChild<&A::logical_block_size>("logical_block_size").When<kRemovable>(),
    TextChild<&A::blocks>("num_blocks").When<kRemovable>(),
};
constexpr Description<A> kAbility{kAbilityRows};
constexpr auto kAbilities = Child<&C::abilities>("capability", kAbility);

// --- what a device is ---

template <Capability... kTypes>
bool Is(const C& c) {
  return ((c.type == kTypes) || ...);
}

constexpr RowOf<C> kHardwareRows[] = {
    TextChild<&C::system, &SystemDevice::vendor>("vendor"),
    TextChild<&C::system, &SystemDevice::version>("version"),
    TextChild<&C::system, &SystemDevice::serial>("serial"),
    TextChild<&C::system, &SystemDevice::uuid>("uuid"),
};
constexpr RowOf<C> kFirmwareRows[] = {
    TextChild<&C::system, &SystemDevice::firmware_vendor>("vendor"),
    TextChild<&C::system, &SystemDevice::firmware_version>("version"),
    TextChild<&C::system, &SystemDevice::firmware_date>("release_date"),
    Custom<&ReadNothing<C>, &EndTag<C>>(""),
};
constexpr auto kSystem = &Is<Capability::kSystem>;

constexpr RowOf<PcieLink> kPcieLinkRows[] = {
    Attr<&PcieLink::kind>("validity").Required(),
    Attr<&PcieLink::port>("port"),
    Attr<&PcieLink::speed>("speed"),
    Attr<&PcieLink::width>("width").Always(),
};
constexpr Description<PcieLink> kPcieLink{kPcieLinkRows};
constexpr RowOf<PciExpress> kPciExpressRows[] = {Child<&PciExpress::links>("link", kPcieLink)};
constexpr Description<PciExpress> kPciExpress{kPciExpressRows};

constexpr RowOf<IommuGroup> kIommuRows[] = {
    Attr<&IommuGroup::number>("number").Always(),
    Child<&IommuGroup::devices>("address", kAddress),
};
constexpr Description<IommuGroup> kIommu{kIommuRows};

constexpr RowOf<C> kNumaRows[] = {Attr<&C::pci, &PciDevice::numa_node>("node")};

constexpr RowOf<C> kPciRows[] = {
    TextChild<&C::pci, &PciDevice::device_class>("class").Hex(6),
    TextChild<&C::pci, &PciDevice::place, &PciPlace::domain>("domain").Always(),
    TextChild<&C::pci, &PciDevice::place, &PciPlace::bus>("bus").Always(),
    TextChild<&C::pci, &PciDevice::place, &PciPlace::slot>("slot").Always(),
    TextChild<&C::pci, &PciDevice::place, &PciPlace::function>("function").Always(),
    Child<&C::pci, &PciDevice::product>("product", kId),
    Child<&C::pci, &PciDevice::vendor>("vendor", kId),
    kAbilities,
    Child<&C::pci, &PciDevice::iommu_group>("iommuGroup", kIommu),
    Group("numa", kNumaRows),
    Child<&C::pci, &PciDevice::express>("pci-express", kPciExpress),
};
constexpr Description<C> kPci{kPciRows};

constexpr RowOf<UsbDevice> kUsbDeviceRows[] = {
    TextChild<&UsbDevice::bus>("bus").Always(),
    TextChild<&UsbDevice::device>("device").Always(),
    Child<&UsbDevice::product>("product", kId),
    Child<&UsbDevice::vendor>("vendor", kId),
};
constexpr Description<UsbDevice> kUsbDevice{kUsbDeviceRows};

constexpr RowOf<UsbInterface> kUsbInterfaceRows[] = {
    TextChild<&UsbInterface::number>("number").Always(),
    TextChild<&UsbInterface::interface_class>("class").Always(),
    TextChild<&UsbInterface::subclass>("subclass").Always(),
    TextChild<&UsbInterface::protocol>("protocol").Always(),
    TextChild<&UsbInterface::description>("description"),
};
constexpr Description<UsbInterface> kUsbInterface{kUsbInterfaceRows};

constexpr RowOf<NetFeature> kFeatureRows[] = {Attr<&NetFeature::name>("name").Required().Always()};
constexpr Description<NetFeature> kFeature{kFeatureRows};
constexpr RowOf<NetDevice> kNetRows[] = {
    TextChild<&NetDevice::interface>("interface").Always(),
    TextChild<&NetDevice::address>("address"),
    Child<&NetDevice::link>("link", kHostLink),
    Child<&NetDevice::features>("feature", kFeature),
};
constexpr Description<NetDevice> kNet{kNetRows};

constexpr RowOf<ScsiHost> kScsiHostRows[] = {
    TextChild<&ScsiHost::host>("host").Always(),
    TextChild<&ScsiHost::unique_id>("unique_id"),
};
constexpr Description<ScsiHost> kScsiHost{kScsiHostRows};

constexpr RowOf<ScsiDevice> kScsiRows[] = {
    TextChild<&ScsiDevice::host>("host").Always(),
    TextChild<&ScsiDevice::bus>("bus").Always(),
    TextChild<&ScsiDevice::target>("target").Always(),
    TextChild<&ScsiDevice::lun>("lun").Always(),
    TextChild<&ScsiDevice::type>("type"),
};
constexpr Description<ScsiDevice> kScsi{kScsiRows};

constexpr RowOf<C> kStorageRows[] = {
    TextChild<&C::storage, &Storage::block>("block").Always(),
    TextChild<&C::storage, &Storage::bus>("bus"),
    TextChild<&C::storage, &Storage::drive_type>("drive_type"),
    TextChild<&C::storage, &Storage::model>("model"),
    TextChild<&C::storage, &Storage::vendor>("vendor"),
    TextChild<&C::storage, &Storage::serial>("serial"),
    TextChild<&C::storage, &Storage::size>("size"),
    TextChild<&C::storage, &Storage::logical_block_size>("logical_block_size"),
    TextChild<&C::storage, &Storage::blocks>("num_blocks"),
    kAbilities,
};
constexpr Description<C> kStorage{kStorageRows};

constexpr RowOf<MdevAttribute> kMdevAttributeRows[] = {
    Attr<&MdevAttribute::name>("name").Required().Always(),
    Attr<&MdevAttribute::value>("value").Required().Always(),
};
constexpr Description<MdevAttribute> kMdevAttribute{kMdevAttributeRows};
constexpr RowOf<Mdev> kMdevKindRows[] = {Attr<&Mdev::type>("id").Always()};
constexpr RowOf<Mdev> kMdevGroupRows[] = {Attr<&Mdev::iommu_group>("number").Always()};
constexpr RowOf<Mdev> kMdevRows[] = {
    Group("type", kMdevKindRows),
    TextChild<&Mdev::uuid>("uuid"),
    TextChild<&Mdev::parent_address>("parent_addr"),
    Group("iommuGroup", kMdevGroupRows),
    Child<&Mdev::attributes>("attr", kMdevAttribute),
};
constexpr Description<Mdev> kMdev{kMdevRows};

constexpr RowOf<CssDevice> kCssRows[] = {
    Include<&CssDevice::place>(kCcw),
    Child<&CssDevice::channel>("channel_dev_addr", kCcw),
};
constexpr Description<CssDevice> kCss{kCssRows};

// --- faults that libvirt has words for ---

// A child or an attribute of one ("vendor/@id") that must be there; a number in `base`, or text where that is 0.
struct Need {
  Capability type;
  const char* place;
  const char* what;
  int base;
};
constexpr Need kNeeds[] = {
    {Capability::kSystem, "hardware/uuid", "system UUID", 0},
    {Capability::kPci, "domain", "PCI domain ID", 10},
    {Capability::kPci, "bus", "PCI bus ID", 10},
    {Capability::kPci, "slot", "PCI slot ID", 10},
    {Capability::kPci, "function", "PCI function ID", 10},
    {Capability::kPci, "vendor/@id", "PCI vendor ID", 16},
    {Capability::kPci, "product/@id", "PCI product ID", 16},
    {Capability::kUsbDevice, "bus", "USB bus number", 10},
    {Capability::kUsbDevice, "device", "USB device number", 10},
    {Capability::kUsbDevice, "vendor/@id", "USB vendor ID", 16},
    {Capability::kUsbDevice, "product/@id", "USB product ID", 16},
    {Capability::kUsbInterface, "number", "USB interface number", 10},
    {Capability::kUsbInterface, "class", "USB interface class", 10},
    {Capability::kUsbInterface, "subclass", "USB interface subclass", 10},
    {Capability::kUsbInterface, "protocol", "USB interface protocol", 10},
    {Capability::kNet, "interface", "network interface", 0},
    {Capability::kScsiTarget, "target", "target name", 0},
    {Capability::kScsi, "host", "SCSI host ID", 10},
    {Capability::kScsi, "bus", "SCSI bus ID", 10},
    {Capability::kScsi, "target", "SCSI target ID", 10},
    {Capability::kScsi, "lun", "SCSI LUN ID", 10},
    {Capability::kStorage, "block", "block device path", 0},
};
constexpr char kNewDevice[] = "'new device'";

std::optional<std::string_view> At(const xml::Node& element, std::string_view place) {
  std::size_t slash = place.find('/');
  if (slash == std::string_view::npos) return element.ChildText(place);
  const xml::Node* child = element.Child(place.substr(0, slash));
  place.remove_prefix(slash + 1);
  if (!child) return std::nullopt;
  return place.starts_with('@') ? child->Attr(place.substr(1)) : child->ChildText(place);
}

bool IsNumber(std::string_view text, int base) {
  Row row(RowKind::kAttr, "");
  if (base == 16) row.flags = kHexText;
  unsigned number;
  return kUint32Value.parse(&number, text, row);
}

void CheckCapability(Parser& p, C& c, const xml::Node& element) {
  for (const Need& need : kNeeds) {
    if (need.type != c.type) continue;
    auto text = At(element, need.place);
    if (!text || text->empty()) p.Fail(Fault::kInternal, std::string("no ") + need.what + " supplied for " + kNewDevice);
    if (need.base && !IsNumber(*text, need.base)) p.Fail(Fault::kInternal, std::string("invalid ") + need.what + " supplied for " + kNewDevice);
  }
  if (c.type == Capability::kSystem && !Uuid::Parse(*At(element, "hardware/uuid"))) {
    p.Fail(Fault::kInternal, std::string("malformed uuid element for ") + kNewDevice);
  }
  if (c.type == Capability::kMdev) {
    if (!At(element, "type/@id")) p.Fail(Fault::kUnsupported, std::string("missing type id attribute for ") + kNewDevice);
    if (auto uuid = At(element, "uuid"); uuid && !Uuid::Parse(*uuid)) {
      p.Fail(Fault::kInternal, "Invalid uuid '" + std::string(*uuid) + "' for new mdev device");
    }
    if (auto group = At(element, "iommuGroup/@number"); group && !IsNumber(*group, 10)) {
      p.Fail(Fault::kInternal, std::string("invalid iommuGroup number attribute for ") + kNewDevice);
    }
  }
  for (const xml::Node* child = element.Child("capability"); child; child = child->Next("capability")) {
    if (c.type == Capability::kScsiHost && child->AttrOr("type") == "fc_host") {
      for (auto [place, what] : {std::pair("wwnn", "WWNN"), std::pair("wwpn", "WWPN")}) {
        if (At(*child, place)) continue;
        p.Fail(Fault::kInternal, std::string("no ") + what + " supplied for " + kNewDevice + ", and auto-generation failed");
      }
    }
  }
}
void WriteNothing(Formatter&, const C&) {}

constexpr auto kAp = &Is<Capability::kApCard, Capability::kApQueue>;
// Where the place of the abilities among the rest is not fixed by other rows.
constexpr auto kAbilitiesLast = &Is<Capability::kNet, Capability::kScsiHost, Capability::kScsiTarget, Capability::kCss, Capability::kApMatrix>;

constexpr RowOf<C> kCapabilityRows[] = {
    Attr<&C::type>("type").Required(),
    Custom<&CheckCapability, &WriteNothing>(""),
    TextChild<&C::system, &SystemDevice::product>("product").When<kSystem>(),
    Group("hardware", kHardwareRows).When<kSystem>(),
    Group("firmware", kFirmwareRows).When<kSystem>(),
    IncludeSame(kPci).When<&Is<Capability::kPci>>(),
    Include<&C::usb_device>(kUsbDevice).When<&Is<Capability::kUsbDevice>>(),
    Include<&C::usb_interface>(kUsbInterface).When<&Is<Capability::kUsbInterface>>(),
    Include<&C::net>(kNet).When<&Is<Capability::kNet>>(),
    Include<&C::scsi_host>(kScsiHost).When<&Is<Capability::kScsiHost>>(),
    TextChild<&C::scsi_target>("target").Always().When<&Is<Capability::kScsiTarget>>(),
    Include<&C::scsi>(kScsi).When<&Is<Capability::kScsi>>(),
    IncludeSame(kStorage).When<&Is<Capability::kStorage>>(),
    TextChild<&C::character_device>("char").When<&Is<Capability::kScsiGeneric>>(),
    TextChild<&C::character_device>("chardev").When<&Is<Capability::kVdpa>>(),
    TextChild<&C::drm>("type").When<&Is<Capability::kDrm>>(),
    Include<&C::mdev>(kMdev).When<&Is<Capability::kMdev>>(),
    Include<&C::ccw>(kCcw).When<&Is<Capability::kCcw>>(),
    Include<&C::css>(kCss).When<&Is<Capability::kCss>>(),
    TextChild<&C::ap, &ApDevice::adapter>("ap-adapter").Hex(2).Always().When<kAp>(),
    TextChild<&C::ap, &ApDevice::domain>("ap-domain").Hex(4).Always().When<&Is<Capability::kApQueue>>(),
    RowOf<C>(kAbilities).When<kAbilitiesLast>(),
    Custom<&ReadNothing<C>, &EndTag<C>>(""),
};
constexpr Description<C> kCapability{kCapabilityRows};

constexpr RowOf<Devnode> kDevnodeRows[] = {Attr<&Devnode::kind>("type"), Text<&Devnode::path>()};
constexpr Description<Devnode> kDevnode{kDevnodeRows};

void ReadParent(Parser&, D& d, const xml::Node& element) {
  const xml::Node* parent = element.Child("parent");
  if (!parent) return;
  d.parent = parent->text;
  d.parent_wwnn = parent->AttrOr("wwnn");
  d.parent_wwpn = parent->AttrOr("wwpn");
  d.parent_fabric_wwn = parent->AttrOr("fabric_wwn");
}
void WriteParent(Formatter& f, const D& d) {
  if (!d.parent.empty()) f.out().TextElement("parent", d.parent);
}

constexpr RowOf<D> kDriverRows[] = {TextChild<&D::driver>("name")};
constexpr RowOf<D> kDeviceRows[] = {
    TextChild<&D::name>("name").Always(),
    TextChild<&D::path>("path"),
    Child<&D::devnodes>("devnode", kDevnode),
    Custom<&ReadParent, &WriteParent>("parent"),
    Group("driver", kDriverRows),
    Child<&D::capability>("capability", kCapability).Always(),
};
constexpr Description<D> kDevice{kDeviceRows};

}  // namespace

const AbilityDetails* NodeCapability::Find(Ability ability) const {
  for (const AbilityDetails& one : abilities) {
    if (one.kind == ability) return &one;
  }
  return nullptr;
}

namespace {
// The abilities that listings know.
constexpr std::pair<Ability, Capability> kListed[] = {
    {Ability::kFcHost, Capability::kFcHost}, {Ability::kVportOps, Capability::kVports}, {Ability::kMdevTypes, Capability::kMdevTypes}};

std::vector<Capability> AllOf(const NodeDevice& device) {
  std::vector<Capability> all{device.capability.type};
  for (auto [ability, capability] : kListed) {
    if (device.capability.Find(ability)) all.push_back(capability);
  }
  return all;
}
}  // namespace

std::uint32_t CapabilitiesOf(const NodeDevice& device) {
  std::uint32_t bits = 0;
  for (Capability capability : AllOf(device)) bits |= Bit(capability);
  return bits;
}

std::vector<std::string> CapabilityNames(const NodeDevice& device) {
  std::vector<std::string> names;
  for (Capability capability : AllOf(device)) names.emplace_back(ToString(capability));
  return names;
}

NodeDevice ParseNodeDevice(std::string_view xml, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNodedev, "node_device_definition", "device");
  if (validate) {
    Validate(kDevice, document.root());
    // Though the name that is given counts for nothing.
    if (!document.root().Child("name")) throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, "/device: missing element 'name'");
  }
  Parser parser(ErrorDomain::kNodedev, 0);
  if (!document.root().Child("capability")) parser.Fail(Fault::kInternal, std::string("no device capabilities for ") + kNewDevice);
  NodeDevice device;
  parser.Read(kDevice, device, document.root());
  return device;
}

std::string FormatNodeDevice(const NodeDevice& device) {
  xml::Writer out;
  Formatter(out, 0).Write("device", kDevice, device);
  return out.Take();
}

}  // namespace bv::model
