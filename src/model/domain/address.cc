#include "model/domain/address.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

constexpr RowOf<ZpciAddress> kZpciRows[] = {
    Attr<&ZpciAddress::uid>("uid").Hex(4),
    Attr<&ZpciAddress::fid>("fid").Hex(8),
};
constexpr Description<ZpciAddress> kZpci{kZpciRows};

bool HasPlace(const PciAddress& a) { return !a.IsEmpty(); }

constexpr RowOf<PciAddress> kPciRows[] = {
    Attr<&PciAddress::domain>("domain").Hex(4).Always().WhenWriting<&HasPlace>(),
    Attr<&PciAddress::bus>("bus").Hex(2).Always().WhenWriting<&HasPlace>(),
    Attr<&PciAddress::slot>("slot").Hex(2).Always().WhenWriting<&HasPlace>(),
    Attr<&PciAddress::function>("function").Hex().Always().WhenWriting<&HasPlace>(),
    Attr<&PciAddress::multifunction>("multifunction"),
    Child<&PciAddress::zpci>("zpci", kZpci),
};

void CheckPci(Parser& p, PciAddress& a, const xml::Node&) {
  auto fail = [&](std::string text) { p.Fail(ErrorDomain::kNone, ErrorCode::kXmlError, std::move(text)); };
  if (a.IsEmpty()) return;
  if (a.bus > 0xFF) fail(fmt::format("Invalid PCI address bus='0x{:x}', must be <= 0xFF", a.bus));
  if (a.slot > 0x1F) fail(fmt::format("Invalid PCI address slot='0x{:x}', must be <= 0x1F", a.slot));
  if (a.function > 7) fail(fmt::format("Invalid PCI address function=0x{:x}, must be <= 7", a.function));
  // No device can be in slot 0 of the first bus: the place is left to the daemon.
  if (!a.domain && !a.bus && !a.slot) a.function = 0;
}

void ReadUsbPort(Parser& p, UsbAddress& a, const xml::Node& element) {
  auto text = element.Attr("port");
  if (!text) return;
  std::size_t depth = 0;
  std::string_view rest = *text;
  while (true) {
    std::size_t dot = rest.find('.');
    auto number = ParseNumber<std::uint32_t>(rest.substr(0, dot));
    if (!number || depth == a.port.size() || dot + 1 == rest.size()) {
      p.Fail(ErrorDomain::kDevice, ErrorCode::kInternalError, "Cannot parse <address> 'port' attribute");
    }
    a.port[depth++] = *number;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
}
void WriteUsbPort(Formatter& f, const UsbAddress& a) {
  if (!a.HasPort()) return;
  std::string text;
  for (unsigned port : a.port) {
    if (port == 0) break;
    if (!text.empty()) text += '.';
    text += std::to_string(port);
  }
  f.Attr("port", text);
}

constexpr RowOf<UsbAddress> kUsbRows[] = {
    Attr<&UsbAddress::bus>("bus").Always(),
    Custom<&ReadUsbPort, &WriteUsbPort>("@port"),
};
constexpr Description<UsbAddress> kUsb{kUsbRows};

bool Assigned(const CcwAddress& a) { return a.assigned; }
constexpr RowOf<CcwAddress> kCcwRows[] = {
    Attr<&CcwAddress::cssid>("cssid").Hex().Always().WhenWriting<&Assigned>(),
    Attr<&CcwAddress::ssid>("ssid").Hex().Always().WhenWriting<&Assigned>(),
    Attr<&CcwAddress::devno>("devno").Hex(4).Always().WhenWriting<&Assigned>(),
};
void CheckCcw(Parser&, CcwAddress& a, const xml::Node& element) {
  int given = element.Attr("cssid").has_value() + element.Attr("ssid").has_value() + element.Attr("devno").has_value();
  if (given != 0 && given != 3) {
    throw Error(ErrorDomain::kDevice, ErrorCode::kInternalError, "Invalid partial specification for virtio ccw address");
  }
  if (a.cssid > 254 || a.ssid > 3 || a.devno > 0xFFFF) {
    throw Error(ErrorDomain::kDevice, ErrorCode::kInternalError,
                fmt::format("Invalid virtio ccw address: cssid='0x{:x}' ssid='0x{:x}' devno='0x{:04x}'", a.cssid, a.ssid, a.devno));
  }
  a.assigned = given == 3;
}
constexpr Description<CcwAddress> kCcw = Describe<&CheckCcw>(kCcwRows);

using DriveA = DriveAddress;
constexpr RowOf<DriveA> kDriveRows[] = {
    Attr<&DriveA::controller>("controller").Always(),
    Attr<&DriveA::bus>("bus").Always(),
    Attr<&DriveA::target>("target").Always(),
    Attr<&DriveA::unit>("unit").Always(),
};
constexpr Description<DriveA> kDrive{kDriveRows};

using Serial = decltype(Address::virtio_serial);
using Ccid = decltype(Address::ccid);
using Isa = decltype(Address::isa);
using Dimm = decltype(Address::dimm);

template <AddressType T>
bool Is(const Address& a) {
  return a.type == T;
}

constexpr RowOf<Address> kAddressRows[] = {
    Attr<&Address::type>("type").Required().NonZero().Fails(Fault::kUnsupported).FailsMissing(Fault::kInternal),
    Include<&Address::pci>(kPciAddress).When<&Is<AddressType::kPci>>(),
    Include<&Address::drive>(kDrive).When<&Is<AddressType::kDrive>>(),
    Attr<&Address::virtio_serial, &Serial::controller>("controller").Always().When<&Is<AddressType::kVirtioSerial>>(),
    Attr<&Address::virtio_serial, &Serial::bus>("bus").Always().When<&Is<AddressType::kVirtioSerial>>(),
    Attr<&Address::virtio_serial, &Serial::port>("port").Always().When<&Is<AddressType::kVirtioSerial>>(),
    Attr<&Address::ccid, &Ccid::controller>("controller").Always().When<&Is<AddressType::kCcid>>(),
    Attr<&Address::ccid, &Ccid::slot>("slot").Always().When<&Is<AddressType::kCcid>>(),
    Include<&Address::usb>(kUsb).When<&Is<AddressType::kUsb>>(),
    Attr<&Address::spapr_reg>("reg").HexText(8).When<&Is<AddressType::kSpaprVio>>(),
    Include<&Address::ccw>(kCcw).When<&Is<AddressType::kCcw>>(),
    Attr<&Address::isa, &Isa::iobase>("iobase").HexText().When<&Is<AddressType::kIsa>>(),
    Attr<&Address::isa, &Isa::irq>("irq").HexText().When<&Is<AddressType::kIsa>>(),
    Attr<&Address::dimm, &Dimm::slot>("slot").Always().When<&Is<AddressType::kDimm>>(),
    Attr<&Address::dimm, &Dimm::base>("base").HexText().When<&Is<AddressType::kDimm>>(),
};

// Each kind of place has attributes of its own, which only the schema insists on; one that it does without is needed.
void CheckKindOfPlace(Parser& p, Address& a, const xml::Node& element) {
  if (a.type == AddressType::kDimm && !element.Attr("slot")) p.MissingAttribute(element, "slot");
  if (!p.validating()) return;
  std::string_view allowed;
  switch (a.type) {
    case AddressType::kPci: allowed = "domain bus slot function multifunction"; break;
    case AddressType::kDrive: allowed = "controller bus target unit"; break;
    case AddressType::kVirtioSerial: allowed = "controller bus port"; break;
    case AddressType::kCcid: allowed = "controller slot"; break;
    case AddressType::kUsb: allowed = "bus port"; break;
    case AddressType::kSpaprVio: allowed = "reg"; break;
    case AddressType::kCcw: allowed = "cssid ssid devno"; break;
    case AddressType::kIsa: allowed = "iobase irq"; break;
    case AddressType::kDimm: allowed = "slot base"; break;
    default: break;
  }
  for (auto* attribute = element.attributes; attribute; attribute = attribute->next) {
    if (attribute->name == "type") continue;
    if (!std::ranges::count(Words(allowed), attribute->name)) p.Fail(Fault::kDomainXml, xml::PathOf(element) + ": unexpected attribute '" + std::string(attribute->name) + "'");
  }
}

constexpr char kAliasCharacters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

bool IsUserAlias(std::string_view alias) {
  return alias.starts_with("ua-") && alias.find_first_not_of(kAliasCharacters) == std::string_view::npos;
}

void ReadAlias(Parser& p, DeviceInfo& info, const xml::Node& element) {
  const xml::Node* alias = element.Child("alias");
  if (!alias) return;
  std::string_view name = alias->AttrOr("name");
  if (!p.inactive() || IsUserAlias(name)) info.alias = name;
}
void WriteAlias(Formatter& f, const DeviceInfo& info) {
  if (info.alias.empty() || (f.inactive() && !info.alias.starts_with("ua-"))) return;
  f.out().Open("alias");
  f.Attr("name", info.alias);
  f.out().Close("alias");
}

// What firmware of mainframes is told to load knows no small letters.
void ReadLoadparm(Parser& p, DeviceInfo& info, const xml::Node& boot) {
  p.Value(boot, "loadparm", info.loadparm);
  for (char& c : info.loadparm) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}
void WriteLoadparm(Formatter& f, const DeviceInfo& info) {
  if (!info.loadparm.empty()) f.Attr("loadparm", info.loadparm);
}
constexpr RowOf<DeviceInfo> kBootRows[] = {
    Attr<&DeviceInfo::boot_order>("order").Required().NonZero().Positive(),
    Custom<&ReadLoadparm, &WriteLoadparm>("@loadparm"),
};
void ReadStartPort(Parser& p, DeviceInfo& info, const xml::Node& master) {
  unsigned port = 0;
  p.Value(master, "startport", port);
  info.master_startport = port;
}
void WriteStartPort(Formatter& f, const DeviceInfo& info) {
  if (info.master_startport) f.Attr("startport", *info.master_startport);
}
constexpr RowOf<DeviceInfo> kMasterRows[] = {Custom<&ReadStartPort, &WriteStartPort>("@startport")};
constexpr RowOf<DeviceInfo> kAcpiRows[] = {Attr<&DeviceInfo::acpi_index>("index").NonZero()};
constexpr RowOf<DeviceRom> kRomRows[] = {
    Attr<&DeviceRom::enabled>("enabled"),
    Attr<&DeviceRom::bar>("bar"),
    Attr<&DeviceRom::file>("file"),
};
constexpr Description<DeviceRom> kRom{kRomRows};

constexpr RowOf<DeviceInfo> kDeviceInfoRows[] = {
    Group("boot", kBootRows),
    Custom<&ReadAlias, &WriteAlias>("alias(@name)"),
    Group("master", kMasterRows),
    Child<&DeviceInfo::rom>("rom", kRom),
    Group("acpi", kAcpiRows),
    Child<&DeviceInfo::address>("address", kAddress),
};

constexpr RowOf<VirtioOptions> kVirtioRows[] = {
    Attr<&VirtioOptions::iommu>("iommu"),
    Attr<&VirtioOptions::ats>("ats"),
    Attr<&VirtioOptions::packed>("packed"),
    Attr<&VirtioOptions::page_per_vq>("page_per_vq"),
};

}  // namespace

void CheckUsbPlace(Parser& p, const DeviceInfo& info) {
  const AddressType type = info.address.type;
  if (type != AddressType::kNone && type != AddressType::kUsb) p.FailBeyondSchema(Fault::kDomainXml, "Invalid address for a USB device");
}

constinit const Description<PciAddress> kPciAddress = Describe<&CheckPci>(kPciRows);
constinit const Description<Address> kAddress = Describe<&CheckKindOfPlace>(kAddressRows);
constinit const Description<DeviceInfo> kDeviceInfo{kDeviceInfoRows};
constinit const Description<VirtioOptions> kVirtioOptions{kVirtioRows};

}  // namespace bv::model
