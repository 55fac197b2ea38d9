#include "model/domain/controller.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// Which models a type has: a range of the enum.
struct ModelRange {
  ControllerModel first, last;
};
constexpr ModelRange ModelsOf(ControllerType type) {
  using M = ControllerModel;
  switch (type) {
    case ControllerType::kIde: return {M::kPiix3, M::kIch6};
    case ControllerType::kScsi: return {M::kAuto, M::kAm53c974};
    case ControllerType::kUsb: return {M::kPiix3Uhci, M::kUsbNone};
    case ControllerType::kPci: return {M::kPciRoot, M::kPcieExpanderBus};
    case ControllerType::kVirtioSerial: return {M::kVirtio, M::kVirtioNonTransitional};
    default: return {M::kDefault, M::kDefault};
  }
}

void ReadModel(Parser& p, Controller& c, const xml::Node& element) {
  auto text = element.Attr("model");
  if (!text) return;
  ModelRange range = ModelsOf(c.type);
  auto first = static_cast<std::size_t>(range.first), last = static_cast<std::size_t>(range.last);
  if (auto found = FindSpelling(&Spelling<ControllerModel>::kNames[first], last - first + 1, *text); found && first > 0) {
    c.model = static_cast<ControllerModel>(first + *found);
    return;
  }
  p.Fail(Fault::kUnsupported, "Unknown model type '" + std::string(*text) + "'");
}
void WriteModel(Formatter& f, const Controller& c) {
  if (c.model != ControllerModel::kDefault) f.Attr("model", ToString(c.model));
}

bool IsPci(const Controller& c) { return c.type == ControllerType::kPci; }
bool IsSerial(const Controller& c) { return c.type == ControllerType::kVirtioSerial; }
bool IsXen(const Controller& c) { return c.type == ControllerType::kXenbus; }
bool HasPorts(const Controller& c) { return c.type == ControllerType::kVirtioSerial || c.type == ControllerType::kUsb; }

using P = PciControllerOptions;
constexpr RowOf<P> kModelRows[] = {Attr<&P::device>("name").NonZero()};
constexpr RowOf<P> kTargetRows[] = {
    Attr<&P::chassis_nr>("chassisNr").AnyBase(),
    Attr<&P::chassis>("chassis").AnyBase(),
    Attr<&P::port>("port").Hex(),
    Attr<&P::bus_nr>("busNr").AnyBase(),
    Attr<&P::target_index>("index").AnyBase(),
    Attr<&P::hotplug>("hotplug"),
    TextChild<&P::numa_node>("node").Fails(Fault::kDomainXml),
};

void ReadHole(Parser& parser, P& pci, const xml::Node& element) {
  const xml::Node* hole = element.Child("pcihole64");
  if (!hole || hole->text.empty()) return;
  pci.pcihole64 = true;
  pci.pcihole64_size = parser.ScaledText(*hole, kKiB);
}
void WriteHole(Formatter& f, const P& pci) {
  if (!pci.pcihole64) return;
  f.out().Open("pcihole64");
  f.Attr("unit", "KiB");
  f.out().CloseWithText("pcihole64", std::to_string(pci.pcihole64_size));
}
constexpr RowOf<P> kPciRows[] = {
    Group("model", kModelRows),
    Group("target", kTargetRows),
    Custom<&ReadHole, &WriteHole>("pcihole64"),
};
void CheckPciRanges(Parser& p, P& pci, const xml::Node&) {
  if (pci.chassis_nr && (*pci.chassis_nr < 1 || *pci.chassis_nr > 255)) p.Fail(Fault::kDomainXml, "PCI controller chassisNr '" + std::to_string(*pci.chassis_nr) + "' out of range - must be 1-255");
  if (pci.chassis && *pci.chassis > 255) p.Fail(Fault::kDomainXml, "PCI controller chassis '" + std::to_string(*pci.chassis) + "' out of range - must be 0-255");
  if (pci.port && *pci.port > 255) p.Fail(Fault::kDomainXml, "PCI controller port '" + std::to_string(*pci.port) + "' out of range - must be 0-255");
  if (pci.bus_nr && (*pci.bus_nr < 1 || *pci.bus_nr > 254)) p.Fail(Fault::kDomainXml, "PCI controller busNr '" + std::to_string(*pci.bus_nr) + "' out of range - must be 1-254");
  if (pci.target_index && *pci.target_index > 30) p.Fail(Fault::kDomainXml, "PCI controller target index '" + std::to_string(*pci.target_index) + "' out of range - must be 0-30");
}
constexpr Description<P> kPci = Describe<&CheckPciRanges>(kPciRows);

// USB's "none" says that there is no controller.
bool IsThere(const Controller& c) { return c.model != ControllerModel::kUsbNone; }
constexpr RowOf<Controller> kDriverRows[] = {
    Attr<&Controller::queues>("queues"),
    Attr<&Controller::cmd_per_lun>("cmd_per_lun"),
    Attr<&Controller::max_sectors>("max_sectors"),
    Attr<&Controller::ioeventfd>("ioeventfd"),
    Attr<&Controller::iothread>("iothread"),
    Include<&Controller::virtio>(kVirtioOptions),
};

constexpr RowOf<Controller> kRows[] = {
    Attr<&Controller::type>("type"),
    Attr<&Controller::index>("index"),
    Custom<&ReadModel, &WriteModel>("@model"),
    Attr<&Controller::ports>("ports").When<&HasPorts>(),
    Attr<&Controller::vectors>("vectors").When<&IsSerial>(),
    Attr<&Controller::max_grant_frames>("maxGrantFrames").When<&IsXen>(),
    Attr<&Controller::max_event_channels>("maxEventChannels").When<&IsXen>(),
    Include<&Controller::pci>(kPci).When<&IsPci>(),
    Group("driver", kDriverRows),
    Include<&Controller::info>(kDeviceInfo).WhenWriting<&IsThere>(),
};

// The first of the master's ports that a USB 2 companion works on.
std::optional<unsigned> CompanionPort(const Controller& c) {
  switch (c.model) {
    case ControllerModel::kIch9Uhci1: return 0;
    case ControllerModel::kIch9Uhci2: return 2;
    case ControllerModel::kIch9Uhci3: return 4;
    default: return std::nullopt;
  }
}

void CheckController(Parser& p, Controller& c, const xml::Node& element) {
  if (element.CountChildren("target") > 1) p.Fail(Fault::kDomainXml, "Multiple <target> elements in controller definition not allowed");
  if (element.CountChildren("model") > 1) p.Fail(Fault::kDomainXml, "Multiple <model> elements in controller definition not allowed");
  if (!c.info.master_startport) c.info.master_startport = CompanionPort(c);
  bool virtio_scsi = c.model == ControllerModel::kVirtioScsi || c.model == ControllerModel::kScsiTransitional ||
                     c.model == ControllerModel::kScsiNonTransitional;
  if (c.iothread && !virtio_scsi) {
    p.FailBeyondSchema(Fault::kDomainXml, "'iothread' attribute only supported for virtio scsi controllers");
  }
  if (c.type == ControllerType::kUsb && c.ports && *c.ports < 1) p.Fail(Fault::kDomainXml, "Invalid ports value");
}

}  // namespace

constinit const Description<Controller> kController = Describe<&CheckController>(kRows);

}  // namespace bv::model
