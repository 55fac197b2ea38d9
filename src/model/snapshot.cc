#include "model/snapshot.h"

#include <algorithm>

#include "model/describe/engine.h"
#include "model/domain/storage_parts.h"
#include "model/moment_schema.h"

namespace bv::model {

namespace {

constexpr auto kDomain = ErrorDomain::kDomainSnapshot;

// --- <disk> ------------------------------------------------------------------------------------------

bool CanBeSnapshot(StorageType type) {
  return type != StorageType::kDir && type != StorageType::kVolume && type != StorageType::kVhostUser;
}
bool IsLocal(StorageType type) { return type == StorageType::kFile || type == StorageType::kBlock; }

void ReadSnapshotSource(Parser& p, SnapshotDisk& d, const xml::Node& element) {
  d.source.type = StorageType::kFile;
  p.Value(element, "type", d.source.type, Fault::kXml, kNonZero);
  const xml::Node *source = element.Child("source"), *driver = element.Child("driver");
  if (source) ReadStorageSource(p, d.source, *source);
  if (driver) {
    if (auto type = driver->Attr("type")) {
      auto format = FromString<StorageFormat>(*type);
      if (!format || *format == StorageFormat::kNone) p.Fail(Fault::kUnsupported, "unknown disk snapshot driver '" + std::string(*type) + "'");
      d.source.format = *format;
    }
    ReadMetadataCache(p, d.source, *driver);
  }
  auto& path = d.source.path;
  if (IsLocal(d.source.type) && !path.empty() && path[0] != '/') p.Fail(Fault::kDomainXml, "disk snapshot image path '" + path + "' must be absolute");
  bool somewhere = !path.empty() || d.source.format != StorageFormat::kNone;
  if (d.location == SnapshotLocation::kDefault && somewhere) d.location = SnapshotLocation::kExternal;
  if (!CanBeSnapshot(d.source.type)) p.Fail(Fault::kDomainXml, "unsupported disk snapshot type '" + std::string(ToString(d.source.type)) + "'");
}
void WriteSnapshotSource(Formatter& f, const SnapshotDisk& d) {
  if (d.location != SnapshotLocation::kExternal) return;
  f.Attr("type", ToString(d.source.type));
  auto mark = f.out().Open("driver");
  if (d.source.format != StorageFormat::kNone) f.Attr("type", ToString(d.source.format));
  WriteMetadataCache(f, d.source);
  f.out().CloseUnlessEmpty("driver", mark);
  WriteStorageSource(f, d.source, {});
}
constexpr RowOf<SnapshotDisk> kSnapshotDiskRows[] = {
    Attr<&SnapshotDisk::name>("name").Required().Fails(Fault::kInternal).With(kAlways),
    Attr<&SnapshotDisk::location>("snapshot").NonZero(),
    Custom<&ReadSnapshotSource, &WriteSnapshotSource>("@type source driver"),
};
constexpr Description<SnapshotDisk> kSnapshotDisk{kSnapshotDiskRows};

constexpr RowOf<Snapshot> kDisksRows[] = {Child<&Snapshot::disks>("disk", kSnapshotDisk)};
constexpr RowOf<Snapshot> kSnapshotRows[] = {Group("disks", kDisksRows)};
constexpr Description<Snapshot> kSnapshotParts{kSnapshotRows};

// --- <state> and <memory> ------------------------------------------------------------------------------

void ReadState(Snapshot& s, const xml::Node& element) {
  auto text = element.ChildText("state");
  if (!text || text->empty()) throw Error(kDomain, ErrorCode::kXmlError, "missing state from existing snapshot");
  auto state = FromString<SnapshotState>(*text);
  if (!state || *state == SnapshotState::kNoState)
    throw Error(kDomain, ErrorCode::kConfigUnsupported, "Invalid state '" + std::string(*text) + "' in domain snapshot XML");
  s.state = *state;
}

bool IsOffline(SnapshotState state) { return state == SnapshotState::kShutoff || state == SnapshotState::kDiskSnapshot; }

void ReadMemory(Parser& p, Snapshot& s, const xml::Node& root, unsigned flags) {
  if (const xml::Node* memory = root.Child("memory")) {
    p.Value(*memory, "snapshot", s.memory, Fault::kXml, kNonZero);
    if (auto file = memory->Attr("file")) s.memory_file = *file;
  }
  auto& file = s.memory_file;
  if (file && s.memory == SnapshotLocation::kDefault) s.memory = SnapshotLocation::kExternal;
  if (file && s.memory != SnapshotLocation::kExternal) p.Fail(Fault::kDomainXml, "memory filename '" + *file + "' requires external snapshot");
  if (!file && s.memory == SnapshotLocation::kExternal) p.Fail(Fault::kDomainXml, "external memory snapshots require a filename");
  if (s.memory == SnapshotLocation::kManual) p.Fail(Fault::kDomainXml, "'manual' memory snapshot mode not supported");
  bool redefine = flags & kMomentRedefine;
  bool offline = redefine ? IsOffline(s.state) : (flags & kMomentOffline) != 0;
  if (s.memory == SnapshotLocation::kDefault) {
    if (redefine) s.memory = offline ? SnapshotLocation::kNo : SnapshotLocation::kInternal;
  } else if (offline && s.memory != SnapshotLocation::kNo) {
    p.Fail(Fault::kDomainXml, "memory state cannot be saved with offline or disk-only snapshot");
  }
  if (file && !file->starts_with('/')) p.Fail(Fault::kDomainXml, "memory snapshot file path (" + *file + ") must be absolute");
}

bool ReadActive(const xml::Node& root) {
  auto text = root.ChildText("active");
  if (!text || (*text != "0" && *text != "1")) throw Error(kDomain, ErrorCode::kInternalError, "Could not find 'active' element");
  return *text == "1";
}

void WriteMemory(xml::Writer& out, const Snapshot& s) {
  if (s.memory == SnapshotLocation::kDefault) return;
  out.Open("memory");
  out.Attr("snapshot", ToString(s.memory));
  if (s.memory_file) out.Attr("file", *s.memory_file);
  out.Close("memory");
}

}  // namespace

bool Snapshot::IsExternal() const {
  return memory == SnapshotLocation::kExternal ||
         std::ranges::any_of(disks, [](auto& disk) { return disk.location == SnapshotLocation::kExternal; });
}

Snapshot ParseSnapshot(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, kDomain, "domain_snapshot", "domainsnapshot");
  const xml::Node& root = document.root();
  if (flags & kMomentValidate) CheckSnapshotSchema(root);
  Parser p(kDomain, 0);
  Snapshot s;
  ReadMomentName(s, root, flags, kDomain, "snapshot");
  if (flags & kMomentRedefine) {
    ReadMomentPast(s, root, kDomain, "snapshot");
    ReadState(s, root);
    ReadMomentDomain(s, root, flags);
    if (const xml::Node* inactive = root.Child("inactiveDomain")) {
      if (!inactive->Attr("type")) throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "missing domain type attribute");
      if (flags & kMomentValidate) ValidateDomainElement(*inactive);
      s.inactive_domain = std::make_unique<DomainDef>(ParseDomain(*inactive, kParseInner));
    }
    if (const xml::Node* cookie = root.Child("cookie")) {
      xml::Writer out(1);
      out.Copy(*cookie);
      s.cookie = out.Take();
    }
  }
  ReadMemory(p, s, root, flags);
  p.Read(kSnapshotParts, s, root);
  if (flags & kMomentStored) s.current = ReadActive(root);
  return s;
}

std::string FormatSnapshot(const Snapshot& s, SnapshotFormat format) {
  xml::Writer out;
  out.Open("domainsnapshot");
  out.TextElement("name", s.name);
  if (!s.description.empty()) out.TextElement("description", s.description);
  if (s.state != SnapshotState::kNoState) out.TextElement("state", ToString(s.state));
  WriteMomentParent(out, s);
  WriteMomentTime(out, s);
  WriteMemory(out, s);
  Formatter(out, kFormatInactive).WriteInto(kSnapshotParts, s);
  unsigned domain_flags = kFormatInactive | (format.secure ? unsigned{kFormatSecure} : 0u);
  if (s.domain) {
    FormatDomain(*s.domain, domain_flags, out);
  } else if (s.domain_uuid) {
    out.Open("domain");
    out.TextElement("uuid", s.domain_uuid->ToString());
    out.Close("domain");
  }
  if (s.inactive_domain) FormatDomain(*s.inactive_domain, domain_flags, out, "inactiveDomain");
  if (!s.cookie.empty()) out.Verbatim(s.cookie);
  if (format.stored) out.TextElement("active", s.current ? "1" : "0");
  out.Close("domainsnapshot");
  return out.Take();
}

}  // namespace bv::model
