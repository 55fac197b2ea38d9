#include "model/domain/storage_source.h"

#include "model/domain/descriptions.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

bool StorageSource::IsEmpty() const {
  switch (type) {
    case StorageType::kNone: return true;
    case StorageType::kVolume: return !volume;
    case StorageType::kNvme: return !nvme;
    case StorageType::kNetwork: return protocol == NetworkProtocol::kNone;
    default: return path.empty();
  }
}

namespace {

using S = StorageSource;

// --- <auth>, <encryption> --------------------------------------------------------------------------

// A secret is named by exactly one of two attributes.
void ReadSecret(SecretRef& ref, const xml::Node& element) {
  auto fail = [](ErrorCode code, std::string text) { throw Error(ErrorDomain::kNone, code, std::move(text)); };
  auto uuid = element.Attr("uuid"), usage = element.Attr("usage");
  if (!uuid && !usage) fail(ErrorCode::kXmlError, "missing secret uuid or usage attribute");
  if (uuid && usage) fail(ErrorCode::kXmlError, "either secret uuid or usage expected");
  if (uuid) {
    ref.uuid = Uuid::Parse(*uuid);
    if (!ref.uuid) fail(ErrorCode::kXmlError, "invalid secret uuid '" + std::string(*uuid) + "'");
  } else {
    ref.usage = *usage;
  }
}
void WriteSecret(Formatter& f, const SecretRef& ref) {
  if (ref.uuid) f.Attr("uuid", ref.uuid->ToString());
  else if (!ref.usage.empty()) f.Attr("usage", ref.usage);
}

void ReadAuth(Parser&, StorageAuth& auth, const xml::Node& element) {
  auto fail = [](std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError, std::move(text)); };
  if (element.AttrOr("username").empty()) fail("missing username for auth");
  auth.username = element.AttrOr("username");
  if (auto type = element.Attr("type")) {
    auto known = FromString<AuthType>(*type);
    if (!known) throw Error(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported, "unknown auth type '" + std::string(*type) + "'");
    auth.type = *known;
  }
  const xml::Node* secret = element.Child("secret");
  if (!secret) fail("Missing <secret> element in auth");
  auth.secret_type = secret->AttrOr("type");
  ReadSecret(auth.secret, *secret);
}
void WriteAuth(Formatter& f, const StorageAuth& auth) {
  if (auth.type != AuthType::kNone) f.Attr("type", ToString(auth.type));
  f.Attr("username", auth.username);
  f.out().Open("secret");
  if (!auth.secret_type.empty()) f.Attr("type", auth.secret_type);
  WriteSecret(f, auth.secret);
  f.out().Close("secret");
}
constexpr RowOf<StorageAuth> kAuthRows[] = {Custom<&ReadAuth, &WriteAuth>("@username @type secret")};

void ReadEncryption(Parser& p, StorageEncryption& e, const xml::Node& element) {
  auto refuse = [](ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); };
  auto fail = [&](std::string text) { refuse(ErrorCode::kConfigUnsupported, std::move(text)); };
  auto format = element.Attr("format");
  if (!format || format->empty()) refuse(ErrorCode::kXmlError, "unknown volume encryption format");
  auto known = FromString<EncryptionFormat>(*format);
  if (!known) p.Fail(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported, "unknown volume encryption format type " + std::string(*format));
  e.format = *known;
  p.Value(element, "engine", e.engine, Fault::kXml, kNonZero);
  for (const xml::Node* node = element.Child("secret"); node; node = node->Next("secret")) {
    if (node->AttrOr("type").empty()) refuse(ErrorCode::kXmlError, "unknown volume encryption secret type");
    if (node->AttrOr("type") != "passphrase") fail("unknown volume encryption secret type " + std::string(node->AttrOr("type")));
    ReadSecret(e.secrets.emplace_back(), *node);
  }
  if (const xml::Node* cipher = element.Child("cipher")) {
    e.cipher.name = cipher->AttrOr("name");
    if (!cipher->Attr("name")) refuse(ErrorCode::kXmlError, "cipher info missing 'name' attribute");
    p.Value(*cipher, "size", e.cipher.size, Fault::kXml, kRequired);
    e.cipher.mode = cipher->AttrOr("mode");
    e.cipher.hash = cipher->AttrOr("hash");
  }
  if (const xml::Node* ivgen = element.Child("ivgen")) {
    e.ivgen.name = ivgen->AttrOr("name");
    e.ivgen.hash = ivgen->AttrOr("hash");
  }
}
void WriteEncryption(Formatter& f, const StorageEncryption& e) {
  f.Attr("format", ToString(e.format));
  if (e.engine != EncryptionEngine::kDefault) f.Attr("engine", ToString(e.engine));
  for (const SecretRef& secret : e.secrets) {
    f.out().Open("secret");
    f.Attr("type", "passphrase");
    WriteSecret(f, secret);
    f.out().Close("secret");
  }
  if (!e.cipher.name.empty()) {
    f.out().Open("cipher");
    f.Attr("name", e.cipher.name);
    f.Attr("size", e.cipher.size);
    if (!e.cipher.mode.empty()) f.Attr("mode", e.cipher.mode);
    if (!e.cipher.hash.empty()) f.Attr("hash", e.cipher.hash);
    f.out().Close("cipher");
    if (!e.ivgen.name.empty()) {
      f.out().Open("ivgen");
      f.Attr("name", e.ivgen.name);
      if (!e.ivgen.hash.empty()) f.Attr("hash", e.ivgen.hash);
      f.out().Close("ivgen");
    }
  }
}
constexpr RowOf<StorageEncryption> kEncryptionRows[] = {
    Custom<&ReadEncryption, &WriteEncryption>("@format @engine secret cipher ivgen")};

// --- small parts -----------------------------------------------------------------------------------

constexpr RowOf<Reconnect> kReconnectRows[] = {
    Attr<&Reconnect::enabled>("enabled"),
    Attr<&Reconnect::timeout>("timeout"),
};
void CheckReconnect(Parser& p, Reconnect& r, const xml::Node& element) {
  if (r.enabled != YesNo::kYes) r.timeout = 0;
  if (r.enabled == YesNo::kYes && !element.Attr("timeout")) p.MissingAttribute(element, "timeout");
}

void ReadReservations(Parser& p, Reservations& r, const xml::Node& element) {
  p.Value(element, "managed", r.managed, Fault::kXml, kRequired);
  if (r.managed == YesNo::kYes && !p.status()) return;
  const xml::Node* source = element.Child("source");
  if (!source && p.status()) return;
  std::string_view type = source ? source->AttrOr("type") : "", path = source ? source->AttrOr("path") : "", mode = source ? source->AttrOr("mode") : "";
  if (type.empty()) throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError, "missing connection type for <reservations/>");
  if (type != "unix") p.Fail(ErrorDomain::kStorage, ErrorCode::kXmlError, "unsupported connection type for <reservations/>: " + std::string(type));
  if (path.empty()) throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError, "missing path for <reservations/>");
  if (mode.empty()) throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError, "missing connection mode for <reservations/>");
  if (mode != "client") p.Fail(ErrorDomain::kStorage, ErrorCode::kXmlError, "unsupported connection mode for <reservations/>: " + std::string(mode));
  r.path = path;
}
void WriteReservations(Formatter& f, const Reservations& r) {
  f.Attr("managed", ToString(r.managed));
  if (r.path.empty() || (r.managed == YesNo::kYes && f.inactive())) return;
  f.out().Open("source");
  f.Attr("type", "unix");
  f.Attr("path", r.path);
  f.Attr("mode", "client");
  f.out().Close("source");
}
constexpr RowOf<Reservations> kReservationsRows[] = {Custom<&ReadReservations, &WriteReservations>("@managed source")};
constexpr Description<Reservations> kReservations{kReservationsRows};

void ReadHost(Parser& p, StorageHost& host, const xml::Node& element) {
  if (auto transport = element.Attr("transport")) {
    auto known = FromString<HostTransport>(*transport);
    if (!known) p.Fail(Fault::kUnsupported, "unknown protocol transport type '" + std::string(*transport) + "'");
    host.transport = *known;
  }
  host.socket = element.AttrOr("socket");
  if (host.transport == HostTransport::kUnix && !element.Attr("socket")) p.Fail(Fault::kDomainXml, "missing socket for unix transport");
  if (host.transport != HostTransport::kUnix && !host.socket.empty()) {
    p.Fail(Fault::kDomainXml, "transport '" + std::string(ToString(host.transport)) + "' does not support socket attribute");
  }
  if (host.transport == HostTransport::kUnix) return;
  host.name = element.AttrOr("name");
  if (!element.Attr("name")) p.Fail(Fault::kDomainXml, "missing name for host");
  if (auto port = element.Attr("port")) {
    auto number = ParseNumber<std::uint32_t>(*port);
    if (!number) throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "failed to parse port number '" + std::string(*port) + "'");
    host.port = *number;
  }
}
void WriteHost(Formatter& f, const StorageHost& host) {
  if (!host.name.empty()) f.Attr("name", host.name);
  if (host.port) f.Attr("port", host.port);
  if (host.transport != HostTransport::kTcp) f.Attr("transport", ToString(host.transport));
  if (!host.socket.empty()) f.Attr("socket", host.socket);
}
constexpr RowOf<StorageHost> kHostRows[] = {Custom<&ReadHost, &WriteHost>("@name @port @transport @socket")};
constexpr Description<StorageHost> kHost{kHostRows};

constexpr RowOf<HttpCookie> kCookieRows[] = {
    Attr<&HttpCookie::name>("name").With(kEmptyIsAbsent).Required().Fails(Fault::kDomainXml),
    Text<&HttpCookie::value>(),
};
void CheckCookie(Parser& p, HttpCookie& cookie, const xml::Node&) {
  if (cookie.value.empty()) p.Fail(Fault::kDomainXml, "missing value for cookie '" + cookie.name + "'");
}
constexpr Description<HttpCookie> kCookie = Describe<&CheckCookie>(kCookieRows);
constexpr RowOf<S> kCookiesRows[] = {Child<&S::cookies>("cookie", kCookie)};

constexpr RowOf<VolumeSource> kVolumeRows[] = {
    Attr<&VolumeSource::pool>("pool"),
    Attr<&VolumeSource::volume>("volume"),
    Attr<&VolumeSource::mode>("mode").NonZero().Fails(Fault::kUnsupported),
};
constexpr Description<VolumeSource> kVolume{kVolumeRows};

void ReadVolume(Parser& p, S& s, const xml::Node& element) {
  auto pool = element.Attr("pool"), volume = element.Attr("volume");
  if (!pool && !volume) return;
  if (!pool || !volume) p.Fail(Fault::kDomainXml, "'pool' and 'volume' must be specified together for 'pool' type source");
  p.Read(kVolume, s.volume.emplace(), element);
  if (!p.status()) return;
  // Of a running guest it is kept where the volume was when it started.
  for (auto [name, type] : {std::pair("file", StorageType::kFile), {"dev", StorageType::kBlock}, {"dir", StorageType::kDir}}) {
    auto path = element.Attr(name);
    if (!path) continue;
    s.path = *path;
    s.type = type;
  }
}
void WriteVolume(Formatter& f, const S& s) {
  if (!s.volume) return;
  f.WriteInto(kVolume, *s.volume);
  if (!f.status() || s.type == StorageType::kVolume) return;
  f.Attr(s.type == StorageType::kBlock ? "dev" : s.type == StorageType::kDir ? "dir" : "file", s.path);
}

void ReadNvme(Parser& p, S& s, const xml::Node& element) {
  NvmeSource& nvme = s.nvme.emplace();
  if (!element.Attr("type")) p.MissingAttribute(element, "type");
  if (element.AttrOr("type") != "pci") p.Fail(Fault::kDomainXml, "unsupported source type '" + std::string(element.AttrOr("type")) + "'");
  if (!p.Value(element, "namespace", nvme.namespace_id, Fault::kDomainXml)) p.MissingAttribute(element, "namespace");
  if (nvme.namespace_id == 0) p.Fail(Fault::kUnsupported, "an NVMe namespace is never 0");
  nvme.managed = YesNo::kYes;
  p.Value(element, "managed", nvme.managed);
  const xml::Node* address = element.Child("address");
  if (!address) p.Fail(Fault::kDomainXml, "NVMe disk is missing address");
  p.Read(kPciAddress, nvme.address, *address);
}
void WriteNvmeAttributes(Formatter& f, const S& s) {
  f.Attr("type", "pci");
  if (s.nvme->managed != YesNo::kAbsent) f.Attr("managed", ToString(s.nvme->managed));
  f.Attr("namespace", s.nvme->namespace_id);
}
void WriteNvmeAddress(Formatter& f, const S& s) { f.Write("address", kPciAddress, s.nvme->address); }
void NothingToRead(Parser&, S&, const xml::Node&) {}

// A type='unix' that goes without saying.
void ReadUnix(Parser& p, S&, const xml::Node& element) {
  if (!element.Attr("type")) p.Fail(Fault::kDomainXml, "missing 'type' attribute for vhostuser disk source");
  if (element.AttrOr("type") != "unix") p.Fail(Fault::kDomainXml, "invalid 'type' attribute for vhostuser disk source");
  if (!element.Attr("path")) p.Fail(Fault::kDomainXml, "missing 'path' attribute for vhostuser disk source");
}
void WriteUnix(Formatter& f, const S&) { f.Attr("type", "unix"); }

constexpr RowOf<S> kSnapshotRows[] = {Attr<&S::snapshot_name>("name")};
constexpr RowOf<S> kConfigRows[] = {Attr<&S::config_file>("file")};
constexpr RowOf<S> kIqnRows[] = {Attr<&S::initiator_iqn>("name")};
constexpr RowOf<S> kInitiatorRows[] = {Group("iqn", kIqnRows)};
constexpr RowOf<S> kIdentityRows[] = {Attr<&S::nfs_user>("user"), Attr<&S::nfs_group>("group")};
constexpr RowOf<S> kSslRows[] = {Attr<&S::ssl_verify>("verify")};
constexpr RowOf<S> kReadaheadRows[] = {Attr<&S::readahead>("size").Positive().With(kEmptyIsAbsent).Fails(Fault::kDomainXml)};
constexpr RowOf<S> kTimeoutRows[] = {Attr<&S::timeout>("seconds").Positive().With(kEmptyIsAbsent).Fails(Fault::kDomainXml)};

void ReadSlice(Parser& p, S& s, const xml::Node& element) {
  const xml::Node* slices = element.Child("slices");
  const xml::Node* slice = slices ? slices->Child("slice") : nullptr;
  for (; slice; slice = slice->Next("slice")) {
    if (slice->AttrOr("type") == "storage") break;
  }
  if (!slice) return;
  s.slice.emplace();
  p.Value(*slice, "offset", s.slice->offset, Fault::kDomainXml, kRequired);
  p.Value(*slice, "size", s.slice->size, Fault::kDomainXml, kRequired | kNonZero);
}
void WriteSlice(Formatter& f, const S& s) {
  if (!s.slice) return;
  f.out().Open("slices");
  f.out().Open("slice");
  f.Attr("type", "storage");
  f.Attr("offset", s.slice->offset);
  f.Attr("size", s.slice->size);
  f.out().Close("slice");
  f.out().Close("slices");
}

template <StorageType T>
bool Is(const S& s) {
  return s.type == T;
}
bool HasVolume(const S& s) { return s.type == StorageType::kVolume || s.volume; }
// A place that the document gives, rather than a volume's.
template <StorageType T>
bool IsOwn(const S& s) {
  return s.type == T && !s.volume;
}
bool HasNvme(const S& s) { return s.type == StorageType::kNvme; }
bool IsNetwork(const S& s) { return s.type == StorageType::kNetwork; }
bool IsHttp(const S& s) {
  return IsNetwork(s) && (s.protocol == NetworkProtocol::kHttp || s.protocol == NetworkProtocol::kHttps);
}
// What QEMU reads with libcurl.
bool IsCurl(const S& s) {
  return IsHttp(s) || (IsNetwork(s) && (s.protocol == NetworkProtocol::kFtp || s.protocol == NetworkProtocol::kFtps));
}
bool IsNfs(const S& s) { return IsNetwork(s) && s.protocol == NetworkProtocol::kNfs; }
bool AuthHere(const S& s) { return s.auth_in_source; }
bool EncryptionHere(const S& s) { return s.encryption_in_source; }
bool TakesLabels(const S& s) { return s.type != StorageType::kNetwork; }

void WriteLabels(Formatter& f, const S& s) { WriteDeviceSeclabels(f, s.seclabels); }

constexpr RowOf<S> kRows[] = {
    Attr<&S::path>("file").When<&IsOwn<StorageType::kFile>>(),
    Attr<&S::fdgroup>("fdgroup").When<&Is<StorageType::kFile>>(),
    Attr<&S::path>("dev").When<&IsOwn<StorageType::kBlock>>(),
    Attr<&S::path>("dir").When<&IsOwn<StorageType::kDir>>(),
    Attr<&S::protocol>("protocol").Required().NonZero().When<&IsNetwork>(),
    Attr<&S::path>("name").When<&IsNetwork>(),
    Attr<&S::query>("query").When<&IsHttp>(),
    Attr<&S::tls>("tls").When<&IsNetwork>(),
    Attr<&S::tls_hostname>("tlsHostname").When<&IsNetwork>(),
    Custom<&ReadVolume, &WriteVolume>("@pool @volume @mode").When<&HasVolume>(),
    Custom<&ReadNvme, &WriteNvmeAttributes>("@type @namespace @managed address").When<&HasNvme>(),
    Custom<&ReadUnix, &WriteUnix>("@type").When<&Is<StorageType::kVhostUser>>(),
    Attr<&S::path>("path").When<&Is<StorageType::kVhostUser>>(),
    Attr<&S::startup_policy>("startupPolicy").NonZero().When<&TakesLabels>(),
    Attr<&S::id>("index").LiveOnly().Positive(),
    Child<&S::hosts>("host", kHost).When<&IsNetwork>(),
    Group("snapshot", kSnapshotRows).When<&IsNetwork>(),
    Group("config", kConfigRows).When<&IsNetwork>(),
    Group("initiator", kInitiatorRows).When<&IsNetwork>(),
    Group("ssl", kSslRows).When<&IsNetwork>(),
    Group("cookies", kCookiesRows).When<&IsNetwork>().With(kSecure),
    Group("readahead", kReadaheadRows).When<&IsCurl>(),
    Group("timeout", kTimeoutRows).When<&IsCurl>(),
    Group("identity", kIdentityRows).When<&IsNfs>(),
    Custom<&NothingToRead, &WriteNvmeAddress>("address").When<&HasNvme>(),
    Child<&S::reconnect>("reconnect", kReconnect).When<&Is<StorageType::kVhostUser>>(),
    Custom<&ReadSlice, &WriteSlice>("slices(slice(@type @offset @size))"),
    Child<&S::seclabels>("seclabel", kDeviceSeclabel).When<&TakesLabels>().With(kParseOnly),
    Custom<&NothingToRead, &WriteLabels>("seclabel").When<&TakesLabels>().With(kFormatOnly),
    Child<&S::auth>("auth", kStorageAuth).WhenWriting<&AuthHere>(),
    Child<&S::encryption>("encryption", kStorageEncryption).WhenWriting<&EncryptionHere>(),
    Child<&S::reservations>("reservations", kReservations),
};

// The secret's type goes with the protocol.
void CheckAuth(Parser& p, const S& s) {
  const char* expected = s.protocol == NetworkProtocol::kRbd ? "ceph" : s.protocol == NetworkProtocol::kIscsi ? "iscsi" : nullptr;
  if (!s.auth || !expected || s.auth->secret_type.empty()) return;
  if (s.auth->secret_type != "ceph" && s.auth->secret_type != "iscsi" && s.auth->secret_type != "volume" && s.auth->secret_type != "tls" && s.auth->secret_type != "vtpm") {
    p.Fail(Fault::kUnsupported, "unknown secret type '" + s.auth->secret_type + "'");
  }
  if (s.auth->secret_type != expected) {
    p.Fail(Fault::kInternal, "invalid secret type '" + s.auth->secret_type + "'");
  }
}

void CheckNetwork(Parser& p, S& s, const xml::Node& element) {
  using P = NetworkProtocol;
  if (!element.Attr("name") && s.protocol != P::kNbd) p.Fail(Fault::kDomainXml, "missing name for disk source");
  if (s.protocol == P::kGluster || s.protocol == P::kRbd) {
    auto slash = s.path.find('/');
    if (slash == std::string::npos || slash == 0) p.Fail(Fault::kDomainXml, "can't split path '" + s.path + "' into pool name and image name");
  }
  // The LUN of an iSCSI target is 0 unless said.
  if (s.protocol == P::kIscsi && s.path.find('/') == std::string::npos) s.path += "/0";
}

void CheckSource(Parser& p, S& s, const xml::Node& element) {
  s.auth_in_source = s.auth.has_value();
  s.encryption_in_source = s.encryption.has_value();
  if (s.type == StorageType::kNetwork) CheckNetwork(p, s, element);
  CheckAuth(p, s);
  for (std::size_t i = 0; i < s.seclabels.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (s.seclabels[i].model == s.seclabels[j].model) {
        p.FailBeyondSchema(Fault::kXmlDetail, "seclabel for model " + s.seclabels[i].model + " is already provided");
      }
    }
  }
}

constexpr RowOf<S> kIscsiHostdevRows[] = {
    Attr<&S::protocol>("protocol"),
    Attr<&S::path>("name"),
    Child<&S::hosts>("host", kHost),
    Child<&S::auth>("auth", kStorageAuth),
    Group("initiator", kInitiatorRows),
};
constexpr Description<S> kIscsiHostdev{kIscsiHostdevRows};

constexpr Description<S> kSource = Describe<&CheckSource>(kRows);

// --- backing chain -----------------------------------------------------------------------------------

constexpr SizeSpec kByteSize{1, 1, "bytes"};
void ReadCache(Parser& p, S& s, const xml::Node& element) {
  const xml::Node* cache = element.Child("metadata_cache");
  if (const xml::Node* max = cache ? cache->Child("max_size") : nullptr; max && !max->text.empty()) s.metadata_cache_max = p.ScaledText(*max, kByteSize);
}

}  // namespace

void WriteDeviceSeclabels(Formatter& f, const std::vector<DeviceSeclabel>& labels) {
  for (const DeviceSeclabel& label : labels) {
    if (f.inactive() && label.label.empty() && label.relabel != YesNo::kNo) continue;
    f.Write("seclabel", kDeviceSeclabel, label);
  }
}

void ReadMetadataCache(Parser& p, StorageSource& s, const xml::Node& element) { ReadCache(p, s, element); }
void WriteMetadataCache(Formatter& f, const StorageSource& s) {
  if (!s.metadata_cache_max.value_or(0)) return;
  f.out().Open("metadata_cache");
  f.out().Open("max_size");
  f.Attr("unit", "bytes");
  f.out().CloseWithText("max_size", std::to_string(*s.metadata_cache_max));
  f.out().Close("metadata_cache");
}

void ReadStorageSource(Parser& p, StorageSource& s, const xml::Node& element) { p.Read(kSource, s, element); }

void WriteStorageSource(Formatter& f, const StorageSource& s, SourceFormatOptions options) {
  if (options.keep_empty) f.Write("source", kSource, s);
  else f.WriteUnlessEmpty("source", kSource, s);
}

void WriteIscsiHostdevSource(Formatter& f, const StorageSource& s) { f.Write("source", kIscsiHostdev, s); }

void ReadBackingChain(Parser& p, StorageSource& s, const xml::Node& element) {
  const xml::Node* node = element.Child("backingStore");
  if (!node) return;
  s.backing = std::make_unique<StorageSource>();
  S& backing = *s.backing;
  if (!node->Attr("type")) return;  // the chain ends here
  p.Value(*node, "type", backing.type, Fault::kDomainXml, kNonZero);
  if (!p.inactive()) p.Value(*node, "index", backing.id);
  const xml::Node* format = node->Child("format");
  if (!format) p.Fail(Fault::kDomainXml, "missing disk backing store format");
  if (!format->Attr("type")) p.Fail(Fault::kDomainXml, "missing disk backing store format");
  p.Value(*format, "type", backing.format, Fault::kDomainXml, kNonZero);
  if (backing.format == StorageFormat::kLuks) p.Fail(Fault::kDomainXml, "unknown storage source format 'luks'");
  ReadCache(p, backing, *format);
  const xml::Node* source = node->Child("source");
  if (!source) p.Fail(Fault::kDomainXml, "missing disk backing store source");
  backing.readonly = true;
  ReadStorageSource(p, backing, *source);
  ReadBackingChain(p, backing, *node);
}

void WriteBackingChain(Formatter& f, const StorageSource& s) {
  if (!s.backing) return;
  const S& backing = *s.backing;
  if (backing.IsTerminator()) {
    f.out().EmptyElement("backingStore");
    return;
  }
  f.out().Open("backingStore");
  f.Attr("type", ToString(backing.type));
  if (backing.id && !f.inactive()) f.Attr("index", backing.id);
  f.out().Open("format");
  f.Attr("type", ToString(backing.format));
  WriteMetadataCache(f, backing);
  f.out().Close("format");
  // The number stands on <backingStore>; the daemon's own files may have it twice.
  Formatter without_number(f.out(), f.flags() & kRowsStatusOut ? f.flags() : f.flags() | kRowsInactive);
  WriteStorageSource(without_number, backing, {});
  WriteBackingChain(f, backing);
  f.out().Close("backingStore");
}

constinit const Description<StorageAuth> kStorageAuth{kAuthRows};
constinit const Description<StorageEncryption> kStorageEncryption{kEncryptionRows};
constinit const Description<Reconnect> kReconnect = Describe<&CheckReconnect>(kReconnectRows);

}  // namespace bv::model
