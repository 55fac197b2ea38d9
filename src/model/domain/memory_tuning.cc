#include "model/domain/memory_tuning.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {



void ReadMaxMemory(Parser& p, DomainMemory& m, const xml::Node& element) {
  const xml::Node* max = element.Child("maxMemory");
  if (!max) return;
  m.max = p.ScaledText(*max, kKiB);
  p.Value(*max, "slots", m.slots, Fault::kDomainXml);
  if (p.validating() && !max->Attr("slots")) p.Fail(Fault::kDomainXml, "both maximum memory size and memory slot count must be specified");
}
void WriteMaxMemory(Formatter& f, const DomainMemory& m) {
  if (!m.max) return;
  f.out().Open("maxMemory");
  f.Attr("slots", m.slots);
  f.Attr("unit", "KiB");
  f.out().CloseWithText("maxMemory", std::to_string(m.max));
}

void ReadMemory(Parser& p, DomainMemory& m, const xml::Node& element) {
  const xml::Node* memory = element.Child("memory");
  if (!memory) return;
  if (!memory->text.empty()) m.total = p.ScaledText(*memory, kKiB);
  p.Value(*memory, "dumpCore", m.dump_core);
}
void WriteMemory(Formatter& f, const DomainMemory& m) {
  f.out().Open("memory");
  if (m.dump_core != OnOff::kAbsent) f.Attr("dumpCore", ToString(m.dump_core));
  f.Attr("unit", "KiB");
  f.out().CloseWithText("memory", std::to_string(m.total));
}

void WriteCurrent(Formatter& f, const DomainMemory& m) {
  f.out().Open("currentMemory");
  f.Attr("unit", "KiB");
  f.out().CloseWithText("currentMemory", std::to_string(m.current.value_or(m.total)));
}
void ReadCurrent(Parser& p, DomainMemory& m, const xml::Node& element) {
  const xml::Node* current = element.Child("currentMemory");
  if (!current || current->text.empty()) return;
  if (std::uint64_t size = p.ScaledText(*current, kKiB)) m.current = size;
}

constexpr RowOf<Hugepage> kPageRows[] = {
    SizeAttr<&Hugepage::size>("size", kKiB).Required(),
    Attr<&Hugepage::nodeset>("nodeset").Fails(Fault::kBitmap),
};
constexpr Description<Hugepage> kPage{kPageRows};

using MB = MemoryBacking;
constexpr RowOf<MB> kHugepagesRows[] = {Child<&MB::hugepages>("page", kPage)};
constexpr RowOf<MB> kSourceRows[] = {Attr<&MB::source>("type").With(kEmptyIsAbsent).NonZero().Fails(Fault::kUnsupported)};
constexpr RowOf<MB> kAccessRows[] = {Attr<&MB::access>("mode").With(kEmptyIsAbsent).NonZero().Fails(Fault::kUnsupported)};
constexpr RowOf<MB> kAllocationRows[] = {
    Attr<&MB::allocation>("mode").With(kEmptyIsAbsent).NonZero().Fails(Fault::kUnsupported),
    Attr<&MB::allocation_threads>("threads").NonZero(),
};
bool HugepagesGiven(const MB& b) { return b.hugepages_given; }
constexpr RowOf<MB> kBackingRows[] = {
    Group("hugepages", kHugepagesRows).Always().WhenWriting<&HugepagesGiven>(),
    Flag<&MB::nosharepages>("nosharepages"),
    Flag<&MB::locked>("locked"),
    Group("source", kSourceRows),
    Group("access", kAccessRows),
    Group("allocation", kAllocationRows),
    Flag<&MB::discard>("discard"),
};
void CheckBacking(Parser& p, MB& backing, const xml::Node& element) {
  backing.hugepages_given = element.Child("hugepages") != nullptr;
  for (std::size_t i = 0; i < backing.hugepages.size(); ++i) {
    const Hugepage& page = backing.hugepages[i];
    if (page.nodeset && page.nodeset->empty()) p.FailBeyondSchema(Fault::kUnsupported, "Invalid value of 'nodeset'");
    for (std::size_t j = 0; j < i; ++j) {
      const Hugepage& other = backing.hugepages[j];
      if (page.nodeset && other.nodeset && page.nodeset->Overlaps(*other.nodeset)) {
        p.Fail(Fault::kXmlDetail, "nodeset attribute of hugepages of sizes " + std::to_string(other.size) + " and " + std::to_string(page.size) + " intersect");
      }
    }
  }
}
constexpr Description<MB> kBacking = Describe<&CheckBacking>(kBackingRows);

// What libvirt takes as "no limit" and does not write.
constexpr KiB kUnlimited = 9007199254740991;
void DropUnlimited(Parser&, MemTune& t, const xml::Node&) {
  for (auto* limit : {&t.hard_limit, &t.soft_limit, &t.swap_hard_limit}) {
    if (*limit >= kUnlimited) limit->reset();
  }
  if (t.min_guarantee == 0u) t.min_guarantee.reset();
}
constexpr RowOf<MemTune> kTuneRows[] = {
    Size<&MemTune::hard_limit>("hard_limit", kKiB),
    Size<&MemTune::soft_limit>("soft_limit", kKiB),
    Size<&MemTune::min_guarantee>("min_guarantee", kKiB),
    Size<&MemTune::swap_hard_limit>("swap_hard_limit", kKiB),
};
constexpr Description<MemTune> kTune = Describe<&DropUnlimited>(kTuneRows);

constexpr RowOf<DomainMemory> kRows[] = {
    Custom<&ReadMaxMemory, &WriteMaxMemory>("maxMemory(@unit @slots #)"),
    Custom<&ReadMemory, &WriteMemory>("memory(@unit @dumpCore #)"),
    Custom<&ReadCurrent, &WriteCurrent>("currentMemory(@unit #)"),
};

using Device = BlkioDevice;
constexpr RowOf<Device> kBlkioDeviceRows[] = {
    TextChild<&Device::path>("path").Required().Fails(Fault::kDomainXml),
    TextChild<&Device::weight>("weight").Fails(Fault::kDomainXml),
    TextChild<&Device::read_iops>("read_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&Device::write_iops>("write_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&Device::read_bytes>("read_bytes_sec").Fails(Fault::kDomainXml),
    TextChild<&Device::write_bytes>("write_bytes_sec").Fails(Fault::kDomainXml),
};
constexpr Description<Device> kBlkioDevice{kBlkioDeviceRows};
constexpr RowOf<BlkioTune> kBlkioRows[] = {
    TextChild<&BlkioTune::weight>("weight").With(kIgnoreBad),
    Child<&BlkioTune::devices>("device", kBlkioDevice),
};
void CheckBlkio(Parser& p, BlkioTune& tune, const xml::Node&) {
  auto check_weight = [&](const auto& weight) {
    if (p.validating() && weight && (weight < 100u || weight > 1000u)) p.Fail(Fault::kDomainXml, "an I/O weight is 100 to 1000");
  };
  check_weight(tune.weight);
  for (const Device& device : tune.devices) check_weight(device.weight);
  for (std::size_t i = 0; i < tune.devices.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (tune.devices[i].path == tune.devices[j].path) p.Fail(Fault::kUnsupported, "duplicate blkio device path '" + tune.devices[i].path + "'");
    }
  }
  std::erase_if(tune.devices, [](const Device& d) { return !d.weight && !d.read_iops && !d.write_iops && !d.read_bytes && !d.write_bytes; });
}

}  // namespace

constinit const Description<MemTune> kMemTune = kTune;
constinit const Description<MemoryBacking> kMemoryBacking = kBacking;
constinit const Description<DomainMemory> kDomainMemory{kRows};
constinit const Description<BlkioTune> kBlkioTune = Describe<&CheckBlkio>(kBlkioRows);

}  // namespace bv::model
