#include "model/domain/os.h"

#include "model/domain/descriptions.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

namespace {

// --- <type>, <firmware>, <loader>, <nvram> ---------------------------------------------------------

constexpr RowOf<Os> kTypeRows[] = {
    Attr<&Os::arch>("arch"),
    Attr<&Os::machine>("machine"),
    Text<&Os::type>().Fails(Fault::kUnsupported),
};

void ReadFirmwareFeatures(Parser& p, Os& os, const xml::Node& element) {
  for (const xml::Node* node = element.Child("feature"); node; node = node->Next("feature")) {
    FirmwareFeature feature{};
    p.Value(*node, "name", feature, Fault::kXml, kRequired);
    p.Value(*node, "enabled", os.firmware_features[static_cast<std::size_t>(feature)], Fault::kXml, kRequired);
  }
}
void WriteFirmwareFeatures(Formatter& f, const Os& os) {
  for (std::size_t i = 0; i < os.firmware_features.size(); ++i) {
    if (os.firmware_features[i] == YesNo::kAbsent) continue;
    f.out().Open("feature");
    f.Attr("enabled", ToString(os.firmware_features[i]));
    f.Attr("name", ToString(static_cast<FirmwareFeature>(i)));
    f.out().Close("feature");
  }
}
constexpr RowOf<Os> kFirmwareRows[] = {Custom<&ReadFirmwareFeatures, &WriteFirmwareFeatures>("feature")};

constexpr RowOf<Loader> kLoaderRows[] = {
    Attr<&Loader::readonly>("readonly"),
    Attr<&Loader::secure>("secure"),
    Attr<&Loader::type>("type").NonZero(),
    Attr<&Loader::stateless>("stateless"),
    Text<&Loader::path>(),
};
constexpr Description<Loader> kLoader{kLoaderRows};

void ReadNvram(Parser& p, Os& os, const xml::Node& element) {
  const xml::Node* node = element.Child("nvram");
  if (!node) return;
  Nvram& nvram = os.nvram.emplace();
  nvram.template_path = node->AttrOr("template");
  nvram.source.format = StorageFormat::kRaw;
  if (node->Attr("type")) {
    nvram.new_style = true;
    p.Value(*node, "type", nvram.source.type, Fault::kXml, kRequired | kNonZero);
    const xml::Node* source = node->Child("source");
    if (!source) p.Fail(Fault::kDomainXml, "Missing source element with nvram type attribute");
    ReadStorageSource(p, nvram.source, *source);
  } else {
    nvram.source.type = StorageType::kFile;
    nvram.source.path = node->text;
  }
}
void WriteNvram(Formatter& f, const Os& os) {
  if (!os.nvram) return;
  const Nvram& nvram = *os.nvram;
  f.out().Open("nvram");
  if (!nvram.template_path.empty()) f.Attr("template", nvram.template_path);
  if (nvram.new_style && nvram.source.type != StorageType::kNone) {
    f.Attr("type", ToString(nvram.source.type));
    WriteStorageSource(f, nvram.source, {});
  } else if (!nvram.source.path.empty()) {
    f.out().TextContent(nvram.source.path);
  }
  f.out().Close("nvram");
}

// --- boot ------------------------------------------------------------------------------------------

void ReadBoot(Parser& p, Os& os, const xml::Node& element) {
  for (const xml::Node* node = element.Child("boot"); node; node = node->Next("boot")) {
    BootDevice device{};
    p.Value(*node, "dev", device, Fault::kXml, kRequired);
    if (os.boot.size() < std::size(Spelling<BootDevice>::kNames)) os.boot.push_back(device);
  }
}
void WriteBoot(Formatter& f, const Os& os) {
  for (BootDevice device : os.boot) {
    f.out().Open("boot");
    f.Attr("dev", ToString(device));
    f.out().Close("boot");
  }
}

void CheckTimeout(Parser& p, BootMenu& menu, const xml::Node& element) {
  auto text = element.Attr("timeout");
  if (!text || menu.enable != YesNo::kYes) return;
  menu.timeout_ms = ParseNumber<std::uint32_t>(*text);
  if (!menu.timeout_ms) p.BadAttribute(element, "timeout", *text, "non-negative integer value");
  if (*menu.timeout_ms > 65535) {
    p.Fail(Fault::kUnsupported, "invalid value for boot menu timeout, must be in range [0,65535]");
  }
}
void WriteTimeout(Formatter& f, const BootMenu& menu) {
  if (menu.timeout_ms) f.Attr("timeout", *menu.timeout_ms);
}
constexpr RowOf<BootMenu> kBootMenuRows[] = {
    Attr<&BootMenu::enable>("enable"),
    Custom<&CheckTimeout, &WriteTimeout>("@timeout"),
};
constexpr Description<BootMenu> kBootMenu{kBootMenuRows};

constexpr RowOf<OsBios> kBiosRows[] = {
    Attr<&OsBios::useserial>("useserial").With(kIgnoreBad),
    Attr<&OsBios::reboot_timeout>("rebootTimeout").Fails(Fault::kUnsupported),
};
void CheckBios(Parser& p, OsBios& bios, const xml::Node&) {
  if (bios.reboot_timeout && (*bios.reboot_timeout < -1 || *bios.reboot_timeout > 65535)) {
    p.Fail(Fault::kUnsupported, "invalid value for rebootTimeout, must be in range [-1,65535]");
  }
}
constexpr Description<OsBios> kBios = Describe<&CheckBios>(kBiosRows);

constexpr RowOf<Os> kSmbiosRows[] = {Attr<&Os::smbios>("mode").NonZero().Fails(Fault::kUnsupported)};

void ReadAcpiTable(Parser& p, Os& os, const xml::Node& element) {
  const xml::Node* acpi = element.Child("acpi");
  const xml::Node* table = acpi ? acpi->Child("table") : nullptr;
  if (!table) return;
  if (table->Next("table")) p.Fail(Fault::kDomainXml, "Only one acpi table is supported");
  if (!table->Attr("type")) p.Fail(Fault::kInternal, "missing acpi table type");
  if (table->AttrOr("type") != "slic") p.Fail(Fault::kDomainXml, "Unknown acpi table type: " + std::string(table->AttrOr("type")));
  os.acpi_table = table->text;
}
void WriteAcpiTable(Formatter& f, const Os& os) {
  if (os.acpi_table.empty()) return;
  f.out().Open("acpi");
  f.out().Open("table");
  f.Attr("type", "slic");
  f.out().CloseWithText("table", os.acpi_table);
  f.out().Close("acpi");
}

constexpr RowOf<InitEnv> kEnvRows[] = {
    Attr<&InitEnv::name>("name").Required().Fails(Fault::kDomainXml),
    Text<&InitEnv::value>().Required(),
};
constexpr Description<InitEnv> kInitEnv{kEnvRows};

bool IsContainer(const Os& os) { return os.type == OsType::kExe; }

constexpr RowOf<Os> kRows[] = {
    Attr<&Os::firmware>("firmware").NonZero(),
    Group("type", kTypeRows),
    Group("firmware", kFirmwareRows),
    TextChild<&Os::init>("init").When<&IsContainer>(),
    TextList<&Os::init_args>("initarg").When<&IsContainer>(),
    Child<&Os::init_env>("initenv", kInitEnv).When<&IsContainer>(),
    TextChild<&Os::init_dir>("initdir").When<&IsContainer>(),
    TextChild<&Os::init_user>("inituser").When<&IsContainer>(),
    TextChild<&Os::init_group>("initgroup").When<&IsContainer>(),
    Child<&Os::loader>("loader", kLoader),
    Custom<&ReadNvram, &WriteNvram>("nvram(@template @type source #)"),
    TextChild<&Os::kernel>("kernel"),
    TextChild<&Os::initrd>("initrd"),
    TextChild<&Os::cmdline>("cmdline"),
    TextChild<&Os::dtb>("dtb"),
    TextChild<&Os::root>("root"),
    Custom<&ReadAcpiTable, &WriteAcpiTable>("acpi"),
    Custom<&ReadBoot, &WriteBoot>("boot"),
    Child<&Os::boot_menu>("bootmenu", kBootMenu),
    Child<&Os::bios>("bios", kBios),
    Group("smbios", kSmbiosRows),
};

}  // namespace

constinit const Description<Os> kOs{kRows};

}  // namespace bv::model
