#include "model/domain/domain.h"
#include "model/domain/domain_schema.h"

#include <algorithm>

#include "base/arch.h"
#include "model/domain/descriptions.h"
#include "model/domain/device_xml.h"
#include "model/domain/qemu_namespace_xml.h"

namespace bv::model {

namespace {

using D = DomainDef;

// --- what the guest is called and what kind it is ------------------------------------------------------

void ReadIdentity(Parser& p, D& def, const xml::Node& element) {
  if (!p.inactive()) p.Value(element, "id", def.id);
  def.name = element.ChildText("name").value_or("");
  if (def.name.empty()) p.Fail(ErrorCode::kNoName, "");
  auto uuid = element.ChildText("uuid");
  if (uuid && !uuid->empty()) {
    auto parsed = Uuid::Parse(*uuid);
    if (!parsed) p.Fail(Fault::kInternal, "malformed uuid element");
    def.uuid = *parsed;
    def.uuid_given = true;
  } else {
    def.uuid = Uuid::Generate();
  }
  if (const xml::Node* genid = element.Child("genid")) {
    if (genid->Next("genid")) p.Fail(Fault::kDomainXml, "element 'genid' can only appear once");
    def.genid_generated = genid->text.empty();
    def.genid = def.genid_generated ? Uuid::Generate() : Uuid::Parse(genid->text);
    if (!def.genid) p.Fail(Fault::kInternal, "malformed genid element");
  }
  def.title = element.ChildText("title").value_or("");
  if (def.title.find('\n') != std::string::npos) p.Fail(Fault::kDomainXml, "Domain title can't contain newlines");
  def.description = element.ChildText("description").value_or("");

  auto type = element.Attr("type");
  if (!type) p.Fail(Fault::kDomainXml, "missing domain type attribute");
  auto known = FromString<VirtType>(*type);
  if (!known || *known == VirtType::kNone) p.Fail(Fault::kUnsupported, "invalid domain type " + std::string(*type));
  def.virt_type = *known;
  const xml::Node* os = element.Child("os");
  const xml::Node* os_type = os ? os->Child("type") : nullptr;
  if ((!os_type || os_type->text.empty()) && !element.ChildText("bootloader")) p.Fail(Fault::kDomainXml, "an os <type> must be specified");
  if (os_type) {
    if (!FromString<OsType>(os_type->text)) p.Fail(Fault::kUnsupported, "unknown OS type '" + std::string(os_type->text) + "'");
    if (auto arch = os_type->Attr("arch"); arch && !FindArch(*arch)) {
      p.Fail(Fault::kUnsupported, "Unknown architecture " + std::string(*arch));
    }
  }
}
void WriteIdentity(Formatter& f, const D& def) {
  f.Attr("type", ToString(def.virt_type));
  if (!f.inactive() && def.id && *def.id >= 0) f.Attr("id", static_cast<std::uint64_t>(*def.id));
  WriteQemuNamespaceDeclaration(f, def.qemu);
  f.out().TextElement("name", def.name);
  f.out().TextElement("uuid", def.uuid.ToString());
  if (def.genid) f.out().TextElement("genid", def.genid->ToString());
  if (!def.title.empty()) f.out().TextElement("title", def.title);
  if (!def.description.empty()) f.out().TextElement("description", def.description);
}

void ReadMetadata(Parser&, D& def, const xml::Node& element) {
  const xml::Node* metadata = element.Child("metadata");
  if (!metadata) return;
  xml::Writer copy(1);
  copy.Copy(*metadata);
  def.metadata = copy.Take();
}
void WriteMetadata(Formatter& f, const D& def) {
  if (!def.metadata.empty()) f.out().Verbatim(def.metadata);
}

// --- small elements ----------------------------------------------------------------------------------

constexpr RowOf<Resource> kFibreRows[] = {Attr<&Resource::fibrechannel_appid>("appid").Required()};
constexpr RowOf<Resource> kResourceRows[] = {
    TextChild<&Resource::partition>("partition"),
    Group("fibrechannel", kFibreRows),
};
void CheckResource(Parser& p, Resource& r, const xml::Node&) {
  // libvirt gives up without a word here.
  if (r.partition.empty() && r.fibrechannel_appid.empty()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "An error occurred, but the cause is unknown");
  }
  if (!r.partition.empty() && r.partition[0] != '/') p.Fail(Fault::kDomainXml, "Resource partition '" + r.partition + "' must start with '/'");
  if (r.fibrechannel_appid.size() > 128) p.Fail(Fault::kInvalidArg, "Invalid fibrechannel appid");
}
constexpr Description<Resource> kResource = Describe<&CheckResource>(kResourceRows);

constexpr RowOf<IdMapEntry> kIdRows[] = {
    Attr<&IdMapEntry::start>("start").Required().Always().Fails(Fault::kDomainXml),
    Attr<&IdMapEntry::target>("target").Required().Always().Fails(Fault::kDomainXml),
    Attr<&IdMapEntry::count>("count").Required().Always().Fails(Fault::kDomainXml),
};
constexpr Description<IdMapEntry> kIdMapEntry{kIdRows};
constexpr RowOf<IdMap> kIdMapRows[] = {
    Child<&IdMap::uid>("uid", kIdMapEntry),
    Child<&IdMap::gid>("gid", kIdMapEntry),
};
void CheckIdMap(Parser& p, IdMap& map, const xml::Node&) {
  for (auto* list : {&map.uid, &map.gid}) {
    std::stable_sort(list->begin(), list->end(), [](auto& a, auto& b) { return a.start < b.start; });
    if (!list->empty() && list->front().start != 0) p.FailBeyondSchema(Fault::kUnsupported, "You must map the root user of container");
  }
  if (map.uid.empty() != map.gid.empty()) p.FailBeyondSchema(Fault::kUnsupported, "uid and gid should be mapped both");
}
constexpr Description<IdMap> kIdMap = Describe<&CheckIdMap>(kIdMapRows);

void ReadPerf(Parser& p, D& def, const xml::Node& element) {
  const xml::Node* perf = element.Child("perf");
  for (const xml::Node* node = perf ? perf->Child("event") : nullptr; node; node = node->Next("event")) {
    PerfEvent event{};
    p.Value(*node, "name", event, Fault::kXml, kRequired);
    YesNo& enabled = def.perf[static_cast<std::size_t>(event)];
    if (enabled != YesNo::kAbsent) p.FailBeyondSchema(Fault::kDomainXml, "perf event '" + std::string(ToString(event)) + "' was already specified");
    p.Value(*node, "enabled", enabled, Fault::kXml, kRequired);
  }
}
void WritePerf(Formatter& f, const D& def) {
  auto mark = f.out().Open("perf");
  for (std::size_t i = 0; i < kPerfEvents; ++i) {
    if (def.perf[i] == YesNo::kAbsent) continue;
    f.out().Open("event");
    f.Attr("name", ToString(static_cast<PerfEvent>(i)));
    f.Attr("enabled", ToString(def.perf[i]));
    f.out().Close("event");
  }
  f.out().CloseUnlessEmpty("perf", mark);
}

// <cpu> holds the guest's CPU and its NUMA cells, which are two things to everybody else.
void ReadCpu(Parser& p, D& def, const xml::Node& element) {
  const xml::Node* cpu = element.Child("cpu");
  if (!cpu) return;
  CpuDef& parsed = def.cpu.emplace();
  parsed.type = CpuType::kGuest;
  Parser(ErrorDomain::kCpu, p.flags()).Read(kCpu, parsed, *cpu);
  if (const xml::Node* numa = cpu->Child("numa")) p.Read(kNuma, def.numa, *numa);
}
void WriteCpu(Formatter& f, const D& def) {
  if (!def.cpu && def.numa.cells.empty()) return;
  auto mark = f.out().Open("cpu");
  if (def.cpu) f.WriteInto(kCpu, *def.cpu);
  if (!def.numa.cells.empty()) f.Write("numa", kNuma, def.numa);
  f.out().CloseUnlessEmpty("cpu", mark);
}

// Every scheduler is looked at before the next.
void CheckVcpuScheds(Parser& p, D& def, const xml::Node& element) {
  const xml::Node* tune = element.Child("cputune");
  Bitmap all;
  for (const xml::Node* node = tune ? tune->Child("vcpusched") : nullptr; node; node = node->Next("vcpusched")) {
    auto vcpus = Bitmap::Parse(node->AttrOr("vcpus"));
    if (!vcpus || all.Overlaps(*vcpus)) return;
    if (auto last = vcpus->Last(); last && *last >= def.vcpu.max) {
      auto first = vcpus->Next(def.vcpu.max);
      p.FailBeyondSchema(Fault::kUnsupported, "vCPU '" + std::to_string(*first) + "' is not present in domain definition");
    }
    all |= *vcpus;
  }
}
void CheckNumaTune(Parser& p, D& def, const xml::Node& element) {
  if (element.CountChildren("numatune") > 1) p.FailBeyondSchema(Fault::kDomainXml, "only one numatune is supported");
  if (!def.numatune.nodes.empty() && def.numa.cells.empty()) {
    p.FailBeyondSchema(Fault::kDomainXml, "Element 'memnode' is invalid without any guest NUMA cells");
  }
  for (const NumaTuneNode& node : def.numatune.nodes) {
    if (node.cell_id >= def.numa.cells.size()) {
      p.FailBeyondSchema(Fault::kDomainXml, "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell");
    }
  }
}
void CheckCellCpus(Parser& p, D& def, const xml::Node&) {
  std::size_t count = 0;
  for (const NumaCell& cell : def.numa.cells) {
    if (cell.cpus) count += cell.cpus->count();
  }
  if (count > def.vcpu.max) p.FailBeyondSchema(Fault::kInternal, "Number of CPUs in <numa> exceeds the <vcpu> count");
}
void Unwritten(Formatter&, const D&) {}

constexpr RowOf<D> kNumaTuneRows[] = {Include<&D::numatune>(kNumaTune)};

void ReadQemu(Parser& p, D& def, const xml::Node& element) { ReadQemuNamespace(p, def.qemu, element); }
void WriteQemu(Formatter& f, const D& def) { WriteQemuNamespace(f, def.qemu); }

void ReadSeclabels(Parser& p, D& def, const xml::Node& element) {
  std::size_t count = element.CountChildren("seclabel");
  for (const xml::Node* node = element.Child("seclabel"); node; node = node->Next("seclabel")) {
    Seclabel label;
    p.Read(kSeclabel, label, *node);
    // Alone it may leave the model to the host, if it says what it wants of it.
    bool to_the_host = node->Attr("type") && label.type != SeclabelType::kStatic;
    if (count == 1 && label.model.empty() && !to_the_host) p.FailBeyondSchema(Fault::kDomainXml, "missing security model in domain seclabel");
    for (const Seclabel& other : def.seclabels) {
      if (other.model == label.model) p.FailBeyondSchema(Fault::kXmlDetail, "seclabel for model " + label.model + " is already provided");
    }
    def.seclabels.push_back(std::move(label));
  }
  // What names a model and no type leaves all to it, and is forgotten.
  auto drop_undecided = [&] { std::erase_if(def.seclabels, [](const Seclabel& label) { return label.type == SeclabelType::kDefault; }); };
  if (count < 2) return drop_undecided();
  for (const Seclabel& label : def.seclabels) {
    if (label.model.empty()) p.Fail(Fault::kXmlDetail, "a security label that is not the only one needs a model");
  }
  drop_undecided();
}
void WriteSeclabels(Formatter& f, const D& def) {
  for (const Seclabel& label : def.seclabels) {
    if (label.implicit) continue;
    f.Write("seclabel", kSeclabel, label);
  }
}

// --- devices -------------------------------------------------------------------------------------------

// Companions have a master, and whoever says that there is no USB has none.
void CheckUsbControllers(Parser& p, D& def, const xml::Node&) {
  bool none = false, other = false, master = false;
  for (auto& c : def.controllers) {
    if (c->type != ControllerType::kUsb) continue;
    (c->model == ControllerModel::kUsbNone ? none : other) = true;
    if (none && other) p.FailBeyondSchema(Fault::kXmlDetail, "Can't add another USB controller: USB is disabled for this domain");
    master |= !c->info.master_startport && c->model != ControllerModel::kUsbNone;
  }
  if (other && !master) p.FailBeyondSchema(Fault::kXmlDetail, "No master USB controller specified");
}

void CheckUsbDevices(Parser& p, D& def, const xml::Node&) {
  auto none = [](auto& c) { return c->type == ControllerType::kUsb && c->model == ControllerModel::kUsbNone; };
  if (std::none_of(def.controllers.begin(), def.controllers.end(), none)) return;
  if (!def.hubs.empty()) p.FailBeyondSchema(Fault::kUnsupported, "Can't add USB hub: USB is disabled for this domain");
  for (auto& input : def.inputs) {
    if (input->bus == InputBus::kUsb) p.FailBeyondSchema(Fault::kUnsupported, "Can't add USB input device. USB bus is disabled");
  }
}

// Of some devices a guest has no more than one.
void CheckSingles(Parser& p, D&, const xml::Node& element) {
  struct Single {
    const char* name;
    Fault fault;
    const char* message;
  };
  constexpr Single kSingles[] = {
      {"watchdog", Fault::kInternal, "only a single watchdog device is supported"},
      {"memballoon", Fault::kInternal, "only a single memory balloon device is supported"},
      {"redirfilter", Fault::kInternal, "only one set of redirection filter rule is supported"},
      {"nvram", Fault::kDomainXml, "only a single nvram device is supported"},
      {"iommu", Fault::kDomainXml, "only a single IOMMU device is supported"},
      {"vsock", Fault::kDomainXml, "only a single vsock device is supported"},
  };
  for (auto& single : kSingles) {
    if (element.CountChildren(single.name) > 1) p.Fail(single.fault, single.message);
  }
}

constexpr RowOf<D> kDeviceRows[] = {
    Custom<&CheckSingles, &Unwritten>(""),
    TextChild<&D::emulator>("emulator"),
    Child<&D::disks>("disk", kDisk),
    Child<&D::controllers>("controller", kController),
    Custom<&CheckUsbControllers, &Unwritten>(""),
    Child<&D::leases>("lease", kLease),
    Child<&D::filesystems>("filesystem", kFilesystem),
    Child<&D::interfaces>("interface", kInterface),
    Child<&D::smartcards>("smartcard", kSmartcard),
    Child<&D::serials>("serial", kSerial),
    Child<&D::parallels>("parallel", kParallel),
    Child<&D::consoles>("console", kConsole),
    Child<&D::channels>("channel", kChannel),
    Child<&D::inputs>("input", kInput),
    Child<&D::tpms>("tpm", kTpm),
    Child<&D::graphics>("graphics", kGraphics),
    Child<&D::sounds>("sound", kSound),
    Child<&D::audios>("audio", kAudio),
    Child<&D::videos>("video", kVideo),
    Child<&D::hostdevs>("hostdev", kHostdev),
    Child<&D::redirdevs>("redirdev", kRedirdev),
    Child<&D::redirfilter>("redirfilter", kRedirfilter).With(kNotEmpty),
    Child<&D::hubs>("hub", kHub),
    Custom<&CheckUsbDevices, &Unwritten>(""),
    Child<&D::watchdogs>("watchdog", kWatchdog),
    Child<&D::memballoon>("memballoon", kMemballoon),
    Child<&D::rngs>("rng", kRng),
    Child<&D::nvram>("nvram", kNvramDevice),
    Child<&D::panics>("panic", kPanic),
    Child<&D::shmems>("shmem", kShmem),
    Child<&D::memory_devices>("memory", kMemoryDevice),
    Child<&D::cryptos>("crypto", kCrypto),
    Child<&D::iommu>("iommu", kIommu),
    Child<&D::vsock>("vsock", kVsock),
};

void CheckRepeats(Parser& p, D&, const xml::Node& element) {
  if (element.CountChildren("resource") > 1) p.Fail(Fault::kDomainXml, "only one resource element is supported");
  if (const xml::Node* tune = element.Child("cputune")) {
    if (tune->CountChildren("emulatorpin") > 1) p.Fail(Fault::kDomainXml, "only one emulatorpin is supported");
    if (tune->CountChildren("emulatorsched") > 1) p.Fail(Fault::kDomainXml, "Only one emulatorsched is supported");
  }
}

constexpr RowOf<D> kRows[] = {
    Custom<&ReadIdentity, &WriteIdentity>("@type @id name(#) uuid(#) genid(#) title(#) description(#)"),
    Custom<&ReadMetadata, &WriteMetadata>("metadata"),
    Custom<&CheckRepeats, &Unwritten>(""),
    Include<&D::memory>(kDomainMemory),
    Child<&D::blkio>("blkiotune", kBlkioTune),
    Child<&D::memory, &DomainMemory::tune>("memtune", kMemTune),
    Child<&D::memory, &DomainMemory::backing>("memoryBacking", kMemoryBacking),
    Include<&D::vcpu>(kVcpuSettings),
    Include<&D::iothreads>(kIoThreads),
    Custom<&CheckVcpuScheds, &Unwritten>(""),
    Child<&D::cputune>("cputune", kCpuTune),
    Group("numatune", kNumaTuneRows),
    Child<&D::resource>("resource", kResource),
    TextChild<&D::os, &Os::bootloader>("bootloader"),
    TextChild<&D::os, &Os::bootloader_args>("bootloader_args"),
    Child<&D::sysinfo>("sysinfo", kSysinfo),
    Child<&D::os>("os", kOs),
    Child<&D::idmap>("idmap", kIdMap),
    Child<&D::features>("features", kFeatures),
    Custom<&ReadCpu, &WriteCpu>("cpu()"),
    Child<&D::cpu>("cpu", kCpu).With(kParseOnly | kFormatOnly),  // for the schema: those two do it
    Custom<&CheckCellCpus, &Unwritten>(""),
    Custom<&CheckNumaTune, &Unwritten>(""),
    Child<&D::clock>("clock", kClock),
    Include<&D::lifecycle>(kLifecycle),
    Child<&D::pm>("pm", kPowerManagement),
    Custom<&ReadPerf, &WritePerf>("perf(event(@name @enabled))"),
    Group("devices", kDeviceRows).Always(),
    Custom<&ReadSeclabels, &WriteSeclabels>("seclabel"),
    Child<&D::keywrap>("keywrap", kKeywrap),
    Child<&D::launch_security>("launchSecurity", kLaunchSecurity),
    Custom<&ReadQemu, &WriteQemu>(""),
};
constexpr Description<D> kDomain{kRows};

}  // namespace

void ParseDevice(std::string_view xml, unsigned flags, DomainDef& def) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kDomain, "device_definition");
  const xml::Node& root = document.root();
  Parser parser(ErrorDomain::kDomain, flags);
  for (const Row& row : kDeviceRows) {
    if (row.kind != RowKind::kChild || row.name != root.name) continue;
    if (flags & kParseValidate) Validate(*row.child, root);
    parser.ReadElement(*row.child, row.container->add(row.At(&def)), root);
    CheckChardevSources(def);
    return;
  }
  parser.Fail(Fault::kDomainXml, "unknown device type '" + std::string(root.name) + "'");
}

std::string FormatDevices(const DomainDef& def, unsigned flags) {
  xml::Writer out;
  Formatter(out, flags).WriteRows({kDeviceRows, std::size(kDeviceRows)}, &def);
  return out.Take();
}

void ValidateDomainElement(const xml::Node& element) { Validate(kDomain, element); }

DomainDef ParseDomain(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kDomain, "domain_definition", "domain");
  if (flags & kParseValidate) Validate(kDomain, document.root());
  return ParseDomain(document.root(), flags);
}

DomainDef ParseDomain(const xml::Node& element, unsigned flags) {
  DomainDef def;
  Parser parser(ErrorDomain::kDomain, flags);
  parser.Read(kDomain, def, element);
  if (flags & kParseSkipChecks) return def;
  CompleteDomain(def, flags);
  CheckDomain(def);
  return def;
}

void FormatDomain(const DomainDef& def, unsigned flags, xml::Writer& out, std::string_view root) {
  Formatter formatter(out, flags);
  formatter.Write(root, kDomain, def);
}

std::string FormatDomain(const DomainDef& def, unsigned flags) {
  xml::Writer out(0, 16 * 1024);
  FormatDomain(def, flags, out, "domain");
  return out.Take();
}

}  // namespace bv::model
