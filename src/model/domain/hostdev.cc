#include "model/domain/hostdev.h"

#include <fmt/core.h>

#include "model/domain/descriptions.h"
#include "model/domain/hostdev_parts.h"
#include "model/domain/interface.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

namespace {

using H = Hostdev;

template <HostdevType... T>
bool Is(const H& h) {
  return h.mode == HostdevMode::kSubsystem && ((h.type == T) || ...);
}

// --- <source> by type ------------------------------------------------------------------------------------

void ReadUsb(Parser& p, H& h, const xml::Node& source) {
  HostUsb& usb = h.usb;
  p.Value(source, "guestReset", usb.guest_reset, Fault::kXml, kNonZero);
  auto id = [&](const char* name, std::optional<unsigned>& value) {
    const xml::Node* node = source.Child(name);
    if (!node) return;
    p.Value(*node, "id", value, Fault::kXml, kRequired | kAnyBase);
  };
  id("vendor", usb.vendor);
  id("product", usb.product);
  if (usb.vendor && *usb.vendor == 0) p.Fail(Fault::kDomainXml, "vendor cannot be 0.");
  if (usb.vendor && !usb.product) p.Fail(Fault::kInternal, "missing product");
  if (!usb.vendor && usb.product) p.Fail(Fault::kInternal, "missing vendor");
  if (const xml::Node* address = source.Child("address")) {
    p.Value(*address, "bus", usb.bus, Fault::kXml, kRequired | kAnyBase);
    p.Value(*address, "device", usb.device, Fault::kXml, kRequired | kAnyBase);
  }
  if (!usb.vendor && !usb.bus) p.Fail(Fault::kInternal, "vendor/product or bus/device must be given for a USB hostdev");
}
void WriteUsb(Formatter& f, const HostUsb& usb) {
  if (usb.guest_reset != UsbGuestReset::kDefault) f.Attr("guestReset", ToString(usb.guest_reset));
  auto id = [&](const char* name, unsigned value) {
    f.out().Open(name);
    f.Attr("id", fmt::format("0x{:04x}", value));
    f.out().Close(name);
  };
  if (usb.vendor) {
    id("vendor", *usb.vendor);
    id("product", usb.product.value_or(0));
  }
  if (usb.bus || usb.device) {
    f.out().Open("address");
    f.Attr("bus", usb.bus.value_or(0));
    f.Attr("device", usb.device.value_or(0));
    f.out().Close("address");
  }
}

void ReadIscsi(Parser& p, HostScsi& scsi, const xml::Node& source) {
  scsi.iscsi->type = StorageType::kNetwork;
  scsi.iscsi->protocol = NetworkProtocol::kIscsi;
  ReadStorageSource(p, *scsi.iscsi, source);
  if (scsi.iscsi->hosts.empty()) p.Fail(Fault::kInternal, "missing the host address for the iSCSI hostdev");
  if (scsi.iscsi->hosts.size() > 1) p.FailBeyondSchema(Fault::kDomainXml, "only one source host address may be specified for the iSCSI hostdev");
  if (scsi.iscsi->auth && !scsi.iscsi->auth->secret_type.empty() && scsi.iscsi->auth->secret_type != "iscsi") {
    p.Fail(Fault::kDomainXml, "hostdev invalid secret type '" + scsi.iscsi->auth->secret_type + "'");
  }
}
void ReadAdapter(Parser& p, HostScsi& scsi, const xml::Node& source) {
  const xml::Node *adapter = source.Child("adapter"), *address = source.Child("address");
  if (!adapter || !address) p.Fail(Fault::kDomainXml, "'adapter' and 'address' must be specified for scsi hostdev source");
  p.Value(*address, "bus", scsi.bus, Fault::kXml, kRequired | kAnyBase);
  p.Value(*address, "target", scsi.target, Fault::kXml, kRequired | kAnyBase);
  p.Value(*address, "unit", scsi.unit, Fault::kXml, kRequired | kAnyBase);
  scsi.adapter = adapter->AttrOr("name");
  if (scsi.adapter.empty()) p.FailBeyondSchema(Fault::kDomainXml, "'adapter' name must be specified for scsi hostdev source");
}
void WriteAdapter(Formatter& f, const HostScsi& scsi) {
  f.out().Open("adapter");
  f.Attr("name", scsi.adapter);
  f.out().Close("adapter");
  f.out().Open("address");
  f.Attr("bus", scsi.bus);
  f.Attr("target", scsi.target);
  f.Attr("unit", scsi.unit);
  f.out().Close("address");
}

constexpr char kWwpnPrefix[] = "naa.";

void ReadScsiHost(Parser& p, H& h, const xml::Node& source) {
  auto protocol = source.Attr("protocol");
  if (!protocol) p.Fail(Fault::kDomainXml, "Missing scsi_host subsystem protocol");
  if (*protocol != "vhost") p.Fail(Fault::kUnsupported, "Unknown scsi_host subsystem protocol '" + std::string(*protocol) + "'");
  h.scsi_host.wwpn = source.AttrOr("wwpn");
  bool valid = h.scsi_host.wwpn.starts_with(kWwpnPrefix) && h.scsi_host.wwpn.size() == 20 &&
               h.scsi_host.wwpn.find_first_not_of("0123456789abcdefABCDEF", 4) == std::string::npos;
  if (!valid) p.Fail(Fault::kDomainXml, "malformed 'wwpn' value");
}

void ReadMdev(Parser& p, H& h, const xml::Node& source) {
  const xml::Node* address = source.Child("address");
  if (!address) p.Fail(Fault::kDomainXml, "Missing <address> element");
  auto uuid = address->Attr("uuid");
  if (!uuid) p.Fail(Fault::kUnsupported, "Missing 'uuid' attribute for element <address>");
  h.mdev.uuid = Uuid::Parse(*uuid);
  if (!h.mdev.uuid) p.Fail(Fault::kInternal, "Cannot parse uuid attribute of element <address>");
}

void ReadPci(Parser& p, H& h, const xml::Node& source) {
  p.Value(source, "writeFiltering", h.write_filtering);
  const xml::Node* address = source.Child("address");
  if (address) p.Read(kPciAddress, h.pci.address, *address);
}

void ReadCapsSource(Parser& p, H& h, const xml::Node& source) {
  const char* name = h.type == HostdevType::kStorage ? "block" : h.type == HostdevType::kMisc ? "char" : "interface";
  h.caps_path = source.ChildText(name).value_or("");
  if (h.caps_path.empty()) p.Fail(Fault::kInternal, std::string("Missing <") + name + "> element in hostdev device");
}

void ReadSource(Parser& p, H& h, const xml::Node& element) {
  const xml::Node* source = element.Child("source");
  if (!source) p.Fail(Fault::kDomainXml, "Missing <source> element in hostdev device");
  if (h.mode == HostdevMode::kCapabilities) return ReadCapsSource(p, h, *source);
  p.Value(*source, "startupPolicy", h.startup_policy, Fault::kXml, kNonZero);
  if (h.type != HostdevType::kUsb && source->Attr("startupPolicy")) {
    p.FailBeyondSchema(Fault::kUnsupported, "Setting startupPolicy is only allowed for USB devices");
  }
  switch (h.type) {
    case HostdevType::kPci: return ReadPci(p, h, *source);
    case HostdevType::kUsb: return ReadUsb(p, h, *source);
    case HostdevType::kScsi:
      p.Value(*source, "protocol", h.scsi.protocol, Fault::kUnsupported);
      if (h.scsi.protocol == ScsiProtocol::kIscsi) ReadIscsi(p, h.scsi, *source);
      else ReadAdapter(p, h.scsi, *source);
      return;
    case HostdevType::kScsiHost: return ReadScsiHost(p, h, *source);
    case HostdevType::kMdev: return ReadMdev(p, h, *source);
    default: return;
  }
}

void WriteSubsystemSource(Formatter& f, const H& h) {
  if (h.type == HostdevType::kScsi && h.scsi.protocol == ScsiProtocol::kIscsi) {
    WriteIscsiHostdevSource(f, *h.scsi.iscsi);
    return;
  }
  f.out().Open("source");
  if (h.startup_policy != StartupPolicy::kDefault) f.Attr("startupPolicy", ToString(h.startup_policy));
  if (h.write_filtering != YesNo::kAbsent) f.Attr("writeFiltering", ToString(h.write_filtering));
  if (h.missing && !f.inactive()) f.Attr("missing", "yes");
  switch (h.type) {
    case HostdevType::kPci: {
      PciAddress place = h.pci.address;
      place.multifunction = OnOff::kAbsent;  // is the guest's to say
      f.Write("address", kPciAddress, place);
      break;
    }
    case HostdevType::kUsb: WriteUsb(f, h.usb); break;
    case HostdevType::kScsi: WriteAdapter(f, h.scsi); break;
    case HostdevType::kScsiHost:
      f.Attr("protocol", "vhost");
      f.Attr("wwpn", h.scsi_host.wwpn);
      break;
    case HostdevType::kMdev:
      f.out().Open("address");
      f.Attr("uuid", h.mdev.uuid.value_or(Uuid()).ToString());
      f.out().Close("address");
      break;
    default: break;
  }
  f.out().Close("source");
}

void WriteSource(Formatter& f, const H& h) {
  if (h.mode == HostdevMode::kSubsystem) return WriteSubsystemSource(f, h);
  f.out().Open("source");
  f.out().TextElement(h.type == HostdevType::kStorage ? "block" : h.type == HostdevType::kMisc ? "char" : "interface", h.caps_path);
  f.out().Close("source");
}

// --- the element -------------------------------------------------------------------------------------------

void ReadTeaming(Parser& p, H& h, const xml::Node& element) {
  const xml::Node* node = element.Child("teaming");
  if (!node) return;
  TeamingType type{};
  if (!p.Value(*node, "type", type, Fault::kUnsupported, kNonZero)) p.Fail(Fault::kUnsupported, "a teaming element needs a type");
  h.teaming = static_cast<std::uint8_t>(type);
  if (type != TeamingType::kTransient) p.FailBeyondSchema(Fault::kUnsupported, "teaming hostdev devices must have type='transient'");
  h.teaming_persistent = node->AttrOr("persistent");
  if (h.teaming_persistent.empty()) p.Fail(Fault::kUnsupported, "missing required persistent attribute in hostdev teaming element");
}
void WriteTeaming(Formatter& f, const H& h) {
  if (!h.teaming) return;
  f.out().Open("teaming");
  f.Attr("type", ToString(static_cast<TeamingType>(h.teaming)));
  if (!h.teaming_persistent.empty()) f.Attr("persistent", h.teaming_persistent);
  f.out().Close("teaming");
}

void WriteMode(Formatter& f, const H& h) {
  // managed is shown even when it was not given, for the kinds of device that have a driver to take over.
  if (h.mode != HostdevMode::kSubsystem) return;
  f.Attr("managed", h.managed == YesNo::kYes ? "yes" : "no");
}
void ReadManaged(Parser& p, H& h, const xml::Node& element) { p.Value(element, "managed", h.managed, Fault::kXml, kIgnoreBad); }

bool IsCapsNet(const H& h) { return h.mode == HostdevMode::kCapabilities && h.type == HostdevType::kNet; }
constexpr RowOf<H> kDriverRows[] = {Attr<&H::pci, &HostPci::backend>("name").NonZero()};
bool HasDriver(const H& h) { return h.mode == HostdevMode::kSubsystem && h.type == HostdevType::kPci; }

constexpr RowOf<H> kRows[] = {
    Attr<&H::mode>("mode").Fails(Fault::kUnsupported),
    Attr<&H::type>("type").Required().Fails(Fault::kUnsupported).FailsMissing(Fault::kDomainXml),
    Custom<&ReadManaged, &WriteMode>("@managed"),
    Attr<&H::scsi, &HostScsi::sgio>("sgio").NonZero().When<&Is<HostdevType::kScsi>>(),
    Attr<&H::scsi, &HostScsi::rawio>("rawio").When<&Is<HostdevType::kScsi>>(),
    Attr<&H::scsi_host, &HostScsiHost::model>("model").NonZero().When<&Is<HostdevType::kScsiHost>>(),
    Attr<&H::mdev, &HostMdev::model>("model").Required().NonZero().When<&Is<HostdevType::kMdev>>(),
    Attr<&H::mdev, &HostMdev::display>("display").When<&Is<HostdevType::kMdev>>(),
    Attr<&H::mdev, &HostMdev::ramfb>("ramfb").When<&Is<HostdevType::kMdev>>(),
    Group("driver", kDriverRows).When<&HasDriver>(),
    Custom<&ReadSource, &WriteSource>("source"),
    Child<&H::ips>("ip", kIpAddress).When<&IsCapsNet>(),
    Child<&H::routes>("route", kIpRoute).When<&IsCapsNet>(),
    Custom<&ReadTeaming, &WriteTeaming>("teaming"),
    Flag<&H::readonly>("readonly").When<&Is<HostdevType::kScsi>>(),
    Flag<&H::shareable>("shareable").When<&Is<HostdevType::kScsi>>(),
    Include<&H::info>(kDeviceInfo),
};

void CheckHostdev(Parser& p, H& h, const xml::Node&) {
  bool caps_type = h.type == HostdevType::kStorage || h.type == HostdevType::kMisc || h.type == HostdevType::kNet;
  if (caps_type != (h.mode == HostdevMode::kCapabilities)) p.Fail(Fault::kUnsupported, "hostdev type and mode do not go together");
}

}  // namespace

// The source of an <interface type='hostdev'> is one of these.
void ReadHostdevSource(Parser& p, Hostdev& h, const xml::Node& element) {
  const xml::Node* source = element.Child("source");
  const xml::Node* address = source ? source->Child("address") : nullptr;
  std::string_view type = address ? address->AttrOr("type") : "";
  if (!source) p.Fail(Fault::kDomainXml, "Missing <source> element in hostdev device");
  if (type.empty()) p.Fail(Fault::kDomainXml, "missing source address type");
  if (!type.empty() && type != "usb" && type != "pci") p.Fail(Fault::kUnsupported, "unknown host device source address type '" + std::string(type) + "'");
  h.type = type == "pci" ? HostdevType::kPci : HostdevType::kUsb;
  ReadSource(p, h, element);
}
void WriteHostdevSource(Formatter& f, const Hostdev& h) {
  f.out().Open("source");
  if (h.missing && !f.inactive()) f.Attr("missing", "yes");
  if (h.type == HostdevType::kPci) {
    f.out().Open("address");
    f.Attr("type", "pci");
    f.WriteInto(kPciAddress, h.pci.address);
    f.out().Close("address");
  } else {
    WriteUsb(f, h.usb);
  }
  f.out().Close("source");
}

constinit const Description<Hostdev> kHostdev = Describe<&CheckHostdev>(kRows);

}  // namespace bv::model
