#include "model/domain/sysinfo.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// <entry name='vendor'>text</entry> lists: one row for each name, in the order of the output.
template <typename T>
struct EntryRow {
  std::string_view name;
  std::string T::*member;
};

template <const auto& Table, typename T>
void ReadEntries(Parser& p, T& object, const xml::Node& element) {
  for (const xml::Node* entry = element.Child("entry"); entry; entry = entry->Next("entry")) {
    for (const auto& row : Table) {
      if (entry->AttrOr("name") != row.name) continue;
      std::string& value = object.*row.member;
      if (value.empty()) value = entry->text;
    }
  }
  (void)p;
}
template <const auto& Table, typename T>
void WriteEntries(Formatter& f, const T& object) {
  for (const auto& row : Table) {
    if ((object.*row.member).empty()) continue;
    f.out().Open("entry");
    f.Attr("name", row.name);
    f.out().CloseWithText("entry", object.*row.member);
  }
}

constexpr EntryRow<SysinfoBios> kBiosEntries[] = {
    {"vendor", &SysinfoBios::vendor},
    {"version", &SysinfoBios::version},
    {"date", &SysinfoBios::date},
    {"release", &SysinfoBios::release},
};
constexpr EntryRow<SysinfoSystem> kSystemEntries[] = {
    {"manufacturer", &SysinfoSystem::manufacturer}, {"product", &SysinfoSystem::product}, {"version", &SysinfoSystem::version},
    {"serial", &SysinfoSystem::serial},             {"uuid", &SysinfoSystem::uuid},       {"sku", &SysinfoSystem::sku},
    {"family", &SysinfoSystem::family},
};
constexpr EntryRow<SysinfoBaseBoard> kBaseBoardEntries[] = {
    {"manufacturer", &SysinfoBaseBoard::manufacturer}, {"product", &SysinfoBaseBoard::product},
    {"version", &SysinfoBaseBoard::version},           {"serial", &SysinfoBaseBoard::serial},
    {"asset", &SysinfoBaseBoard::asset},               {"location", &SysinfoBaseBoard::location},
};
constexpr EntryRow<SysinfoChassis> kChassisEntries[] = {
    {"manufacturer", &SysinfoChassis::manufacturer}, {"version", &SysinfoChassis::version}, {"serial", &SysinfoChassis::serial},
    {"asset", &SysinfoChassis::asset},               {"sku", &SysinfoChassis::sku},
};
using Cpu = SysinfoProcessor;
constexpr EntryRow<Cpu> kProcessorEntries[] = {
    {"socket_destination", &Cpu::socket_destination}, {"type", &Cpu::type}, {"family", &Cpu::family},
    {"manufacturer", &Cpu::manufacturer}, {"signature", &Cpu::signature}, {"version", &Cpu::version},
    {"external_clock", &Cpu::external_clock}, {"max_speed", &Cpu::max_speed}, {"status", &Cpu::status},
    {"serial_number", &Cpu::serial}, {"part_number", &Cpu::part_number},
};
using Dimm = SysinfoMemoryDevice;
constexpr EntryRow<Dimm> kMemoryEntries[] = {
    {"size", &Dimm::size}, {"form_factor", &Dimm::form_factor}, {"locator", &Dimm::locator},
    {"bank_locator", &Dimm::bank_locator}, {"type", &Dimm::type}, {"type_detail", &Dimm::type_detail},
    {"speed", &Dimm::speed}, {"manufacturer", &Dimm::manufacturer}, {"serial_number", &Dimm::serial},
    {"part_number", &Dimm::part_number},
};

template <typename T, const auto& Table>
constexpr RowOf<T> kEntryRows[] = {Custom<&ReadEntries<Table, T>, &WriteEntries<Table, T>>("entry")};
template <typename T, const auto& Table>
constexpr Description<T> kEntries{kEntryRows<T, Table>};

bool IsDate(std::string_view text) {  // mm/dd/yyyy or mm/dd/yy
  unsigned month = 0, day = 0, year = 0;
  std::size_t one = text.find('/'), two = text.find('/', one + 1);
  if (one == std::string_view::npos || two == std::string_view::npos) return false;
  auto number = [](std::string_view t, unsigned& out) {
    auto n = ParseNumber<std::uint32_t>(t);
    if (n) out = *n;
    return n.has_value();
  };
  if (!number(text.substr(0, one), month) || !number(text.substr(one + 1, two - one - 1), day) || !number(text.substr(two + 1), year)) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (year <= 99 || (year >= 1900 && year <= 9999));
}

using S = Sysinfo;
bool IsSmbios(const S& s) { return s.type == SysinfoType::kSmbios; }
bool IsFwcfg(const S& s) { return s.type == SysinfoType::kFwcfg; }

constexpr RowOf<S> kOemRows[] = {TextList<&S::oem_strings>("entry")};

constexpr RowOf<FwcfgEntry> kFwcfgRows[] = {
    Attr<&FwcfgEntry::name>("name").Required().Fails(Fault::kDomainXml),
    Attr<&FwcfgEntry::file>("file"),
    Text<&FwcfgEntry::value>(),
};
void CheckFwcfg(Parser& p, FwcfgEntry& e, const xml::Node&) {
  if (e.value.empty() == e.file.empty()) {
    p.Fail(Fault::kDomainXml, e.value.empty() ? "Firmware entry must have either value or 'file' attribute"
                                              : "Firmware entry can't have both value and 'file' attribute");
  }
}
constexpr Description<FwcfgEntry> kFwcfg = Describe<&CheckFwcfg>(kFwcfgRows);

constexpr RowOf<S> kRows[] = {
    Attr<&S::type>("type").Required(),
    Child<&S::bios>("bios", kEntries<SysinfoBios, kBiosEntries>).When<&IsSmbios>(),
    Child<&S::system>("system", kEntries<SysinfoSystem, kSystemEntries>).When<&IsSmbios>(),
    Child<&S::base_boards>("baseBoard", kEntries<SysinfoBaseBoard, kBaseBoardEntries>).When<&IsSmbios>().With(kNotEmpty),
    Child<&S::chassis>("chassis", kEntries<SysinfoChassis, kChassisEntries>).When<&IsSmbios>(),
    Child<&S::processors>("processor", kEntries<SysinfoProcessor, kProcessorEntries>).When<&IsSmbios>(),
    Child<&S::memory_devices>("memory_device", kEntries<SysinfoMemoryDevice, kMemoryEntries>).When<&IsSmbios>(),
    Group("oemStrings", kOemRows).When<&IsSmbios>(),
    Child<&S::fwcfg>("entry", kFwcfg).When<&IsFwcfg>(),
};

void CheckSysinfo(Parser& p, S& s, const xml::Node&) {
  if (!s.bios.date.empty() && !IsDate(s.bios.date)) p.FailBeyondSchema(Fault::kXmlDetail, "Invalid BIOS 'date' format");
  if (!s.system.uuid.empty()) {
    auto uuid = Uuid::Parse(s.system.uuid);
    if (!uuid) p.FailBeyondSchema(Fault::kXmlDetail, "malformed <sysinfo> uuid element");
    s.system.uuid = uuid->ToString();
  }
}

}  // namespace

constinit const Description<Sysinfo> kSysinfo = Describe<&CheckSysinfo>(kRows);

}  // namespace bv::model
