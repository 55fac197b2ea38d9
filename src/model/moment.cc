#include "model/moment.h"

#include "model/describe/engine.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

namespace {

// --- what both have ------------------------------------------------------------------------------------

void ReadMoment(Parser& p, Moment& m, const xml::Node& element, unsigned flags, const char* what) {
  m.name = element.ChildText("name").value_or("");
  if (m.name.empty() && (flags & kMomentRedefine)) p.Fail(Fault::kDomainXml, std::string("a redefined ") + what + " must have a name");
  m.description = element.ChildText("description").value_or("");
  if (!(flags & kMomentRedefine)) return;
  if (auto time = element.ChildText("creationTime")) m.creation_time = ParseNumber<std::int64_t>(*time);
  if (!m.creation_time) p.Fail(Fault::kInternal, std::string("missing creationTime from existing ") + what);
  if (const xml::Node* parent = element.Child("parent")) m.parent = parent->ChildText("name").value_or("");
}

void ReadInner(Moment& m, const xml::Node& element) {
  const xml::Node* domain = element.Child("domain");
  if (!domain) return;
  if (auto uuid = domain->ChildText("uuid")) m.domain_uuid = Uuid::Parse(*uuid);
  if (domain->Attr("type")) m.domain = std::make_unique<DomainDef>(ParseDomain(*domain, kParseInactive));
}

void WriteMomentTail(xml::Writer& out, const Moment& m) {
  if (!m.parent.empty()) {
    out.Open("parent");
    out.TextElement("name", m.parent);
    out.Close("parent");
  }
  if (m.creation_time) out.TextElement("creationTime", std::to_string(*m.creation_time));
}

// --- snapshots -----------------------------------------------------------------------------------------

bool IsExternal(const SnapshotDisk& d) { return d.location == SnapshotLocation::kExternal; }

void ReadSnapshotSource(Parser& p, SnapshotDisk& d, const xml::Node& element) {
  d.source.type = StorageType::kFile;
  p.Value(element, "type", d.source.type, Fault::kXml, kNonZero);
  const xml::Node *source = element.Child("source"), *driver = element.Child("driver");
  if (source) ReadStorageSource(p, d.source, *source);
  if (driver) {
    p.Value(*driver, "type", d.source.format, Fault::kUnsupported, kNonZero);
    ReadMetadataCache(p, d.source, *driver);
  }
  bool somewhere = !d.source.path.empty() || d.source.format != StorageFormat::kNone;
  if (d.location == SnapshotLocation::kDefault && somewhere) d.location = SnapshotLocation::kExternal;
}
void WriteSnapshotSource(Formatter& f, const SnapshotDisk& d) {
  if (!IsExternal(d)) return;
  f.Attr("type", ToString(d.source.type));
  auto mark = f.out().Open("driver");
  if (d.source.format != StorageFormat::kNone) f.Attr("type", ToString(d.source.format));
  WriteMetadataCache(f, d.source);
  f.out().CloseUnlessEmpty("driver", mark);
  WriteStorageSource(f, d.source, {});
}
constexpr RowOf<SnapshotDisk> kSnapshotDiskRows[] = {
    Attr<&SnapshotDisk::name>("name").Required().Fails(Fault::kDomainXml),
    Attr<&SnapshotDisk::location>("snapshot").NonZero().Fails(Fault::kUnsupported),
    Custom<&ReadSnapshotSource, &WriteSnapshotSource>("@type source driver"),
};
constexpr Description<SnapshotDisk> kSnapshotDisk{kSnapshotDiskRows};

constexpr RowOf<Snapshot> kMemoryRows[] = {
    Attr<&Snapshot::memory>("snapshot").NonZero().Fails(Fault::kDomainXml),
    Attr<&Snapshot::memory_file>("file"),
};
constexpr RowOf<Snapshot> kDisksRows[] = {Child<&Snapshot::disks>("disk", kSnapshotDisk)};
constexpr RowOf<Snapshot> kSnapshotRows[] = {
    Group("memory", kMemoryRows),
    Group("disks", kDisksRows),
};
constexpr Description<Snapshot> kSnapshotParts{kSnapshotRows};

void ReadState(Parser& p, Snapshot& s, const xml::Node& element) {
  auto text = element.ChildText("state");
  if (!text || text->empty()) p.Fail(Fault::kDomainXml, "missing state from existing snapshot");
  s.state = FromString<SnapshotState>(*text);
  if (!s.state) p.Fail(Fault::kInternal, "Invalid state '" + std::string(*text) + "' in domain snapshot XML");
}

void CheckMemory(Parser& p, Snapshot& s) {
  if (s.memory == SnapshotLocation::kManual) p.Fail(Fault::kDomainXml, "Invalid memory snapshot location");
  if (!s.memory_file.empty() && s.memory == SnapshotLocation::kDefault) s.memory = SnapshotLocation::kExternal;
  if (s.memory == SnapshotLocation::kExternal && s.memory_file.empty()) p.Fail(Fault::kDomainXml, "external memory snapshots require a filename");
  if (!s.memory_file.empty() && s.memory != SnapshotLocation::kExternal) {
    p.Fail(Fault::kDomainXml, "memory filename '" + s.memory_file + "' requires external snapshot");
  }
  if (!s.memory_file.empty() && s.memory_file[0] != '/') p.Fail(Fault::kDomainXml, "memory snapshot file path (" + s.memory_file + ") must be absolute");
}

// --- checkpoints ---------------------------------------------------------------------------------------

constexpr RowOf<CheckpointDisk> kCheckpointDiskRows[] = {
    Attr<&CheckpointDisk::name>("name").Required().Fails(Fault::kDomainXml),
    Attr<&CheckpointDisk::type>("checkpoint").NonZero().Fails(Fault::kUnsupported),
    Attr<&CheckpointDisk::bitmap>("bitmap"),
    Attr<&CheckpointDisk::size>("size"),
};
constexpr Description<CheckpointDisk> kCheckpointDisk{kCheckpointDiskRows};
constexpr RowOf<Checkpoint> kCheckpointDisksRows[] = {Child<&Checkpoint::disks>("disk", kCheckpointDisk)};
constexpr RowOf<Checkpoint> kCheckpointRows[] = {Group("disks", kCheckpointDisksRows)};
constexpr Description<Checkpoint> kCheckpointParts{kCheckpointRows};

}  // namespace

Snapshot ParseSnapshot(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kDomainSnapshot, "domain_snapshot", "domainsnapshot");
  const xml::Node& root = document.root();
  Parser p(ErrorDomain::kDomainSnapshot, 0);
  Snapshot s;
  ReadMoment(p, s, root, flags, "snapshot");
  if (flags & kMomentRedefine) {
    ReadState(p, s, root);
    ReadInner(s, root);
    if (!s.domain) p.Fail(Fault::kInternal, "missing domain in snapshot");
    const xml::Node* inactive = root.Child("inactiveDomain");
    if (inactive && inactive->Attr("type")) s.inactive_domain = std::make_unique<DomainDef>(ParseDomain(*inactive, kParseInactive));
  }
  p.Read(kSnapshotParts, s, root);
  CheckMemory(p, s);
  return s;
}

std::string FormatSnapshot(const Snapshot& s, unsigned domain_flags) {
  xml::Writer out;
  out.Open("domainsnapshot");
  out.TextElement("name", s.name);
  if (!s.description.empty()) out.TextElement("description", s.description);
  if (s.state) out.TextElement("state", ToString(*s.state));
  WriteMomentTail(out, s);
  Formatter(out, kFormatInactive).WriteInto(kSnapshotParts, s);
  if (s.domain) {
    FormatDomain(*s.domain, domain_flags, out);
  } else if (s.domain_uuid) {
    out.Open("domain");
    out.TextElement("uuid", s.domain_uuid->ToString());
    out.Close("domain");
  }
  if (s.inactive_domain) FormatDomain(*s.inactive_domain, domain_flags | kFormatInactive, out, "inactiveDomain");
  out.Close("domainsnapshot");
  return out.Take();
}

Checkpoint ParseCheckpoint(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kDomainCheckpoint, "domain_checkpoint", "domaincheckpoint");
  const xml::Node& root = document.root();
  Parser p(ErrorDomain::kDomainCheckpoint, 0);
  Checkpoint c;
  ReadMoment(p, c, root, flags, "checkpoint");
  if (flags & kMomentRedefine) {
    ReadInner(c, root);
    if (!c.domain) p.Fail(Fault::kInternal, "missing domain in checkpoint");
  }
  p.Read(kCheckpointParts, c, root);
  return c;
}

std::string FormatCheckpoint(const Checkpoint& c, unsigned domain_flags, bool with_domain) {
  xml::Writer out;
  out.Open("domaincheckpoint");
  out.TextElement("name", c.name);
  if (!c.description.empty()) out.TextElement("description", c.description);
  WriteMomentTail(out, c);
  Formatter(out, kFormatInactive).WriteInto(kCheckpointParts, c);
  if (c.domain && with_domain) FormatDomain(*c.domain, domain_flags, out);
  out.Close("domaincheckpoint");
  return out.Take();
}

}  // namespace bv::model
