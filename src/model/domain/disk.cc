#include "model/domain/disk.h"

#include "model/domain/descriptions.h"
#include "model/domain/device_xml.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

namespace {

// --- <driver> ----------------------------------------------------------------------------------------

using D = DiskDriver;
constexpr RowOf<D> kDriverRows[] = {
    Attr<&D::cache>("cache").SkipZero(),
    Attr<&D::error_policy>("error_policy").NonZero(),
    Attr<&D::rerror_policy>("rerror_policy").NonZero(),
    Attr<&D::io>("io").NonZero(),
    Attr<&D::ioeventfd>("ioeventfd"),
    Attr<&D::event_idx>("event_idx"),
    Attr<&D::copy_on_read>("copy_on_read"),
    Attr<&D::discard>("discard").NonZero(),
    Attr<&D::iothread>("iothread").NonZero(),
    Attr<&D::detect_zeroes>("detect_zeroes").NonZero(),
    Attr<&D::queues>("queues").Positive(),
    Attr<&D::queue_size>("queue_size").Positive(),
    Include<&D::virtio>(kVirtioOptions),
};
constexpr Description<D> kDriver{kDriverRows};

void ReadDriver(Parser& p, Disk& disk, const xml::Node& element) {
  const xml::Node* driver = element.Child("driver");
  if (!driver) return;
  disk.driver.name = driver->AttrOr("name");
  if (auto type = driver->Attr("type")) {
    if (*type == "aio") {
      disk.source.format = StorageFormat::kRaw;  // how Xen calls it
    } else {
      p.Value(*driver, "type", disk.source.format, Fault::kUnsupported, kNonZero);
    }
  }
  p.Read(kDriver, disk.driver, *driver);
  ReadMetadataCache(p, disk.source, *driver);
}
void WriteDriver(Formatter& f, const Disk& disk) {
  auto mark = f.out().Open("driver");
  if (!disk.driver.name.empty()) f.Attr("name", disk.driver.name);
  if (disk.source.format != StorageFormat::kNone) f.Attr("type", ToString(disk.source.format));
  f.WriteInto(kDriver, disk.driver);
  WriteMetadataCache(f, disk.source);
  f.out().CloseUnlessEmpty("driver", mark);
}

// --- <source> and what may stand beside or inside it -------------------------------------------------

void ReadSource(Parser& p, Disk& disk, const xml::Node& element) {
  if (const xml::Node* source = element.Child("source")) ReadStorageSource(p, disk.source, *source);
  ReadBackingChain(p, disk.source, element);
  if (const xml::Node* auth = element.Child("auth")) {
    if (disk.source.auth) p.FailBeyondSchema(Fault::kUnsupported, "an <auth> definition already found for disk source");
    p.Read(kStorageAuth, disk.source.auth.emplace(), *auth);
    if (disk.source.auth->secret_type.empty()) p.Fail(Fault::kUnsupported, "unknown secret type '<null>'");
    const char* expected = disk.source.protocol == NetworkProtocol::kIscsi ? "iscsi" : "ceph";
    const std::string& type = disk.source.auth->secret_type;
    if (type != "ceph" && type != "iscsi" && type != "volume" && type != "tls" && type != "vtpm") {
      p.Fail(Fault::kUnsupported, "unknown secret type '" + type + "'");
    }
    if (type != expected && disk.source.type == StorageType::kNetwork) p.Fail(Fault::kInternal, "invalid secret type '" + type + "'");
  }
  if (const xml::Node* encryption = element.Child("encryption")) {
    if (disk.source.encryption) p.FailBeyondSchema(Fault::kUnsupported, "an <encryption> definition already found for disk source");
    p.Read(kStorageEncryption, disk.source.encryption.emplace(), *encryption);
  }
}
void WriteAuth(Formatter& f, const Disk& disk) {
  if (disk.source.auth && !disk.source.auth_in_source) f.Write("auth", kStorageAuth, *disk.source.auth);
}
void WriteSource(Formatter& f, const Disk& disk) {
  WriteStorageSource(f, disk.source, {});
  WriteBackingChain(f, disk.source);
}
void WriteEncryption(Formatter& f, const Disk& disk) {
  if (disk.source.encryption && !disk.source.encryption_in_source) f.Write("encryption", kStorageEncryption, *disk.source.encryption);
}
void Nothing(Parser&, Disk&, const xml::Node&) {}

void ReadTransient(Parser& p, Disk& disk, const xml::Node& element) {
  const xml::Node* node = element.Child("transient");
  if (!node) return;
  disk.transient = true;
  p.Value(*node, "shareBacking", disk.transient_share_backing);
}
void WriteTransient(Formatter& f, const Disk& disk) {
  if (!disk.transient) return;
  f.out().Open("transient");
  if (disk.transient_share_backing == YesNo::kYes) f.Attr("shareBacking", "yes");
  f.out().Close("transient");
}

// --- <mirror> ----------------------------------------------------------------------------------------

void ReadMirror(Parser& p, Disk& disk, const xml::Node& element) {
  const xml::Node* node = p.inactive() ? nullptr : element.Child("mirror");
  if (!node) return;
  disk.mirror = std::make_unique<DiskMirror>();
  DiskMirror& mirror = *disk.mirror;
  mirror.job = MirrorJob::kCopy;
  p.Value(*node, "job", mirror.job, Fault::kXml, kNonZero);
  p.Value(*node, "ready", mirror.state, Fault::kXml, kNonZero);
  if (node->Attr("type")) {
    p.Value(*node, "type", mirror.source.type, Fault::kXml, kNonZero);
    if (const xml::Node* format = node->Child("format")) p.Value(*format, "type", mirror.source.format, Fault::kUnsupported, kNonZero);
    if (const xml::Node* source = node->Child("source")) ReadStorageSource(p, mirror.source, *source);
    ReadBackingChain(p, mirror.source, *node);
  } else {  // how it was written before 1.2.7
    mirror.source.type = StorageType::kFile;
    mirror.source.path = node->AttrOr("file");
    if (mirror.source.path.empty()) p.Fail(Fault::kDomainXml, "mirror requires file name");
    p.Value(*node, "format", mirror.source.format, Fault::kUnsupported, kNonZero);
  }
}
void WriteMirror(Formatter& f, const Disk& disk) {
  if (!disk.mirror || f.inactive()) return;
  const DiskMirror& mirror = *disk.mirror;
  f.out().Open("mirror");
  f.Attr("type", ToString(mirror.source.type));
  if (mirror.source.type == StorageType::kFile && mirror.job == MirrorJob::kCopy) {
    f.Attr("file", mirror.source.path);
    if (mirror.source.format != StorageFormat::kNone) f.Attr("format", ToString(mirror.source.format));
  }
  f.Attr("job", ToString(mirror.job));
  if (mirror.state != MirrorState::kNone) f.Attr("ready", ToString(mirror.state));
  if (mirror.source.format != StorageFormat::kNone) {
    f.out().Open("format");
    f.Attr("type", ToString(mirror.source.format));
    f.out().Close("format");
  }
  WriteStorageSource(f, mirror.source, {.keep_empty = true});
  WriteBackingChain(f, mirror.source);
  f.out().Close("mirror");
}

// --- the disk ----------------------------------------------------------------------------------------

constexpr RowOf<DiskGeometry> kGeometryRows[] = {
    Attr<&DiskGeometry::cylinders>("cyls"),
    Attr<&DiskGeometry::heads>("heads"),
    Attr<&DiskGeometry::sectors>("secs"),
    Attr<&DiskGeometry::trans>("trans").NonZero(),
};
constexpr Description<DiskGeometry> kGeometry{kGeometryRows};

using BlockIo = decltype(Disk::blockio);
constexpr RowOf<BlockIo> kBlockIoRows[] = {
    Attr<&BlockIo::logical>("logical_block_size"),
    Attr<&BlockIo::physical>("physical_block_size"),
};
constexpr Description<BlockIo> kBlockIo{kBlockIoRows};

constexpr RowOf<IoTune> kIoTuneRows[] = {
    TextChild<&IoTune::total_bytes>("total_bytes_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_bytes>("read_bytes_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_bytes>("write_bytes_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::total_iops>("total_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_iops>("read_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_iops>("write_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::total_bytes_max>("total_bytes_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_bytes_max>("read_bytes_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_bytes_max>("write_bytes_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::total_iops_max>("total_iops_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_iops_max>("read_iops_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_iops_max>("write_iops_sec_max").Fails(Fault::kDomainXml),
    TextChild<&IoTune::size_iops>("size_iops_sec").Fails(Fault::kDomainXml),
    TextChild<&IoTune::group>("group_name"),
    TextChild<&IoTune::total_bytes_max_length>("total_bytes_sec_max_length").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_bytes_max_length>("read_bytes_sec_max_length").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_bytes_max_length>("write_bytes_sec_max_length").Fails(Fault::kDomainXml),
    TextChild<&IoTune::total_iops_max_length>("total_iops_sec_max_length").Fails(Fault::kDomainXml),
    TextChild<&IoTune::read_iops_max_length>("read_iops_sec_max_length").Fails(Fault::kDomainXml),
    TextChild<&IoTune::write_iops_max_length>("write_iops_sec_max_length").Fails(Fault::kDomainXml),
};
void CheckIoTune(Parser& p, IoTune& t, const xml::Node&) {
  auto both = [&](std::uint64_t total, std::uint64_t read, std::uint64_t write, const char* what) {
    if (total && (read || write)) p.Fail(Fault::kUnsupported, std::string("total and read/write ") + what + " cannot be set at the same time");
  };
  both(t.total_bytes, t.read_bytes, t.write_bytes, "bytes_sec");
  both(t.total_iops, t.read_iops, t.write_iops, "iops_sec");
  both(t.total_bytes_max, t.read_bytes_max, t.write_bytes_max, "bytes_sec_max");
  both(t.total_iops_max, t.read_iops_max, t.write_iops_max, "iops_sec_max");
}
constexpr Description<IoTune> kIoTune = Describe<&CheckIoTune>(kIoTuneRows);

constexpr RowOf<Disk> kTargetRows[] = {
    Attr<&Disk::dst>("dev"),
    Attr<&Disk::bus>("bus").NonZero(),
    Attr<&Disk::tray>("tray").SkipZero(),
    Attr<&Disk::removable>("removable"),
    Attr<&Disk::rotation_rate>("rotation_rate").Positive(),
};
constexpr RowOf<Disk> kBackendRows[] = {Attr<&Disk::domain_name>("name")};

// A read-only disk takes no part in snapshots anyway.
bool ShowsSnapshot(const Disk& d) { return !(d.snapshot == SnapshotLocation::kNo && d.source.readonly); }

bool HasGeometry(const Disk& d) { return d.geometry.cylinders && d.geometry.heads && d.geometry.sectors; }

void ReadType(Parser& p, Disk& d, const xml::Node& element) { p.Value(element, "type", d.source.type, Fault::kXml, kNonZero); }
void WriteType(Formatter& f, const Disk& d) {
  f.Attr("type", ToString(d.source.volume ? StorageType::kVolume : d.source.type));
}
void DefaultType(Parser&, Disk& d, const xml::Node&) {
  if (d.source.type == StorageType::kNone) d.source.type = StorageType::kFile;
}
void NothingToWrite(Formatter&, const Disk&) {}

constexpr RowOf<Disk> kRows[] = {
    Custom<&ReadType, &WriteType>("@type"),
    Custom<&DefaultType, &NothingToWrite>(""),
    Attr<&Disk::device>("device"),
    Attr<&Disk::model>("model").NonZero(),
    Attr<&Disk::rawio>("rawio"),
    Attr<&Disk::sgio>("sgio").NonZero(),
    Attr<&Disk::snapshot>("snapshot").NonZero().WhenWriting<&ShowsSnapshot>(),
    Custom<&ReadDriver, &WriteDriver>("driver(@name @type metadata_cache)"),
    Child<&Disk::driver>("driver", kDriver).With(kParseOnly | kFormatOnly),  // for the schema: those two do it
    Custom<&Nothing, &WriteAuth>("auth"),
    Custom<&ReadSource, &WriteSource>("source backingStore"),
    Group("backenddomain", kBackendRows),
    Child<&Disk::geometry>("geometry", kGeometry).WhenWriting<&HasGeometry>(),
    Child<&Disk::blockio>("blockio", kBlockIo),
    Custom<&ReadMirror, &WriteMirror>("mirror"),
    Group("target", kTargetRows),
    Child<&Disk::iotune>("iotune", kIoTune),
    Flag<&Disk::source, &StorageSource::readonly>("readonly"),
    Flag<&Disk::source, &StorageSource::shared>("shareable"),
    Custom<&ReadTransient, &WriteTransient>("transient(@shareBacking)"),
    TextChild<&Disk::serial>("serial"),
    TextChild<&Disk::wwn>("wwn"),
    TextChild<&Disk::vendor>("vendor"),
    TextChild<&Disk::product>("product"),
    Custom<&Nothing, &WriteEncryption>("encryption"),
    Include<&Disk::info>(kDeviceInfo),
};

bool Printable(std::string_view text) {
  for (char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

void CheckDisk(Parser& p, Disk& d, const xml::Node& element) {
  const xml::Node* target = element.Child("target");
  if (p.validating() && !target) p.Fail(Fault::kDomainXml, xml::PathOf(element) + ": missing element 'target'");
  if (!(p.flags() & kParseDiskSource) && (!target || !target->Attr("dev"))) {
    p.Fail(ErrorCode::kNoTarget, d.source.volume ? d.source.volume->pool + "/" + d.source.volume->volume : d.source.path);
  }
  if (d.device == DiskDevice::kCdrom) d.source.readonly = true;
  if (d.snapshot == SnapshotLocation::kDefault && d.source.readonly) d.snapshot = SnapshotLocation::kNo;
  if (!d.wwn.empty()) {
    bool hex = d.wwn.size() == 16 && d.wwn.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!hex) p.Fail(ErrorDomain::kNone, ErrorCode::kInternalError, "malformed wwn: " + d.wwn);
  }
  if (d.vendor.size() > 8) p.Fail(Fault::kDomainXml, "disk vendor is longer than 8 characters");
  if (!Printable(d.vendor)) p.Fail(Fault::kDomainXml, "disk vendor is not printable string");
  if (d.product.size() > 16) p.Fail(Fault::kDomainXml, "disk product is longer than 16 characters");
  if (!Printable(d.product)) p.Fail(Fault::kDomainXml, "disk product is not printable string");
  if (d.source.startup_policy == StartupPolicy::kRequisite && d.device != DiskDevice::kCdrom && d.device != DiskDevice::kFloppy) {
    p.Fail(Fault::kDomainXml, "Setting disk requisite is allowed only for cdrom or floppy");
  }
}

}  // namespace

constinit const Description<Disk> kDisk = Describe<&CheckDisk>(kRows);

}  // namespace bv::model
