#include "model/storage_pool.h"

#include "model/domain/descriptions.h"
#include "model/storage_pool_parts.h"

namespace bv::model {

namespace {

using D = PoolDef;
using S = PoolSource;

constexpr char kFsNamespace[] = "http://libvirt.org/schemas/storagepool/fs/1.0";
constexpr char kRbdNamespace[] = "http://libvirt.org/schemas/storagepool/rbd/1.0";

constexpr const char* kFsFormats[] = {"auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf",
                                      "gfs",  "gfs2", "vfat", "hfs+", "xfs", "ocfs2",   "vmfs"};
constexpr const char* kNetfsFormats[] = {"auto", "nfs", "glusterfs", "cifs"};
constexpr const char* kLogicalFormats[] = {"unknown", "lvm2"};
constexpr const char* kDiskFormats[] = {"unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2"};

constexpr std::uint8_t kNetwork = kPoolHost | kPoolName;
constexpr PoolTraits kTraits[kPoolTypes] = {
    {0, 0},
    {kPoolDevice, kPoolDevice, kFsFormats, std::size(kFsFormats)},
    {kPoolHost | kPoolDir, kPoolHost | kPoolDir, kNetfsFormats, std::size(kNetfsFormats)},
    {kPoolName | kPoolDevice, 0, kLogicalFormats, std::size(kLogicalFormats), 1},
    {kPoolDevice, kPoolDevice, kDiskFormats, std::size(kDiskFormats)},
    {kPoolHost | kPoolDevice | kPoolInitiator, kPoolHost},
    {kPoolHost | kPoolDevice | kPoolInitiator, kPoolHost | kPoolInitiator, nullptr, 0, 0, false},
    {kPoolAdapter, kPoolAdapter},
    {0, 0},
    {kNetwork, kPoolHost, nullptr, 0, 0, false},
    {kNetwork, kPoolHost, nullptr, 0, 0, false},
    {kNetwork | kPoolDir, kPoolHost, nullptr, 0, 0, false},
    {kPoolName | kPoolDevice, 0},
    {kPoolName, 0},
};

// --- <source> --------------------------------------------------------------------------------------

void ReadHost(Parser& p, PoolHost& host, const xml::Node& element) {
  auto name = element.Attr("name");
  if (!name) p.Fail(Fault::kDomainXml, "missing storage pool host name");
  host.name = *name;
  p.Value(element, "port", host.port);
}
void WriteHost(Formatter& f, const PoolHost& host) {
  f.Attr("name", host.name);
  if (host.port) f.Attr("port", std::to_string(host.port));
}
constexpr RowOf<PoolHost> kHostRows[] = {Custom<&ReadHost, &WriteHost>("@name @port")};
constexpr Description<PoolHost> kHost{kHostRows};

void ReadDevice(Parser& p, PoolDevice& device, const xml::Node& element) {
  auto path = element.Attr("path");
  if (!path) p.Fail(Fault::kDomainXml, "missing storage pool source device path");
  device.path = *path;
  p.Value(element, "part_separator", device.part_separator, Fault::kXml, kNonZero);
}
void WriteDevice(Formatter& f, const PoolDevice& device) {
  f.Attr("path", device.path);
  if (device.part_separator != YesNo::kAbsent) f.Attr("part_separator", ToString(device.part_separator));
  for (const PoolExtent& extent : device.free_extents) {
    f.out().Open("freeExtent");
    f.Attr("start", extent.start);
    f.Attr("end", extent.end);
    f.out().Close("freeExtent");
  }
}
constexpr RowOf<PoolDevice> kDeviceRows[] = {Custom<&ReadDevice, &WriteDevice>("@path @part_separator freeExtent")};
constexpr Description<PoolDevice> kDevice{kDeviceRows};

void ReadName(Parser& p, D& d, const xml::Node& source) {
  d.source.name = source.ChildText("name").value_or("");
  if (d.type == PoolType::kRbd && d.source.name.empty()) p.Fail(Fault::kDomainXml, "element 'name' is mandatory for RBD pool");
}
void WriteName(Formatter& f, const D& d) {
  if ((d.traits().shown & kPoolName) && !d.source.name.empty()) f.out().TextElement("name", d.source.name);
}

void ReadFormat(Parser& p, D& d, const xml::Node& source) {
  const PoolTraits& traits = d.traits();
  const xml::Node* element = source.Child("format");
  auto text = element ? element->AttrOr("type") : std::string_view();
  if (traits.format_count == 0 || text.empty()) return;
  auto known = FindSpelling(traits.formats, traits.format_count, text);
  if (!known) p.Fail(Fault::kUnsupported, "unknown pool format type " + std::string(text));
  d.source.format = *known;
}
void WriteFormat(Formatter& f, const D& d) {
  if (d.format_name().empty()) return;
  f.out().Open("format");
  f.Attr("type", d.format_name());
  f.out().Close("format");
}

void ReadDir(Parser&, D& d, const xml::Node& source) {
  if (const xml::Node* dir = source.Child("dir")) d.source.dir = SanitizePath(dir->AttrOr("path"));
  if (d.source.dir.empty() && d.type == PoolType::kGluster) d.source.dir = "/";
}
void WriteDir(Formatter& f, const D& d) {
  if (!(d.traits().shown & kPoolDir) || d.source.dir.empty()) return;
  f.out().Open("dir");
  f.Attr("path", d.source.dir);
  f.out().Close("dir");
}

void ReadInitiator(Parser&, D& d, const xml::Node& source) {
  const xml::Node* initiator = source.Child("initiator");
  const xml::Node* iqn = initiator ? initiator->Child("iqn") : nullptr;
  if (iqn) d.source.initiator_iqn = iqn->AttrOr("name");
}
void WriteInitiator(Formatter& f, const D& d) {
  if (!(d.traits().shown & kPoolInitiator) || d.source.initiator_iqn.empty()) return;
  f.out().Open("initiator");
  f.out().Open("iqn");
  f.Attr("name", d.source.initiator_iqn);
  f.out().Close("iqn");
  f.out().Close("initiator");
}

// libvirt holds the format's number against those of network file systems whatever the type is.
void ReadProtocol(Parser& p, D& d, const xml::Node& source) {
  if (d.source.auth && d.source.auth->type == AuthType::kNone) p.Fail(Fault::kUnsupported, "storage pool missing auth type");
  const xml::Node* protocol = source.Child("protocol");
  d.source.protocol_version = protocol ? protocol->AttrOr("ver") : "";
  if (d.source.protocol_version.empty()) return;
  constexpr unsigned kNfs = 1;
  if (d.source.format > kNfs) p.Fail(Fault::kUnsupported, "a protocol version goes with format 'nfs' only");
  if (d.source.protocol_version.find(',') != std::string::npos) {
    p.Fail(Fault::kXmlDetail, "storage pool protocol ver '" + d.source.protocol_version + "' must not contain ','");
  }
}
void WriteProtocol(Formatter& f, const D& d) {
  if (d.source.protocol_version.empty()) return;
  f.out().Open("protocol");
  f.Attr("ver", d.source.protocol_version);
  f.out().Close("protocol");
}

void ReadNothing(Parser&, D&, const xml::Node&) {}
void WriteNothing(Formatter&, const D&) {}
// An empty <source> has two tags in libvirt's files.
void WriteEndTag(Formatter& f, const D&) { f.out().Verbatim({}); }

template <unsigned Part>
bool Shows(const D& d) { return d.traits().shown & Part; }

constexpr RowOf<D> kVendorRows[] = {Attr<&D::source, &S::vendor>("name")};
constexpr RowOf<D> kProductRows[] = {Attr<&D::source, &S::product>("name")};

constexpr RowOf<D> kSourceRows[] = {
    Custom<&ReadFormat, &WriteEndTag>("format"),
    Custom<&ReadName, &WriteNothing>("name"),
    Child<&D::source, &S::hosts>("host", kHost).WhenWriting<&Shows<kPoolHost>>(),
    Child<&D::source, &S::devices>("device", kDevice).WhenWriting<&Shows<kPoolDevice>>(),
    Custom<&ReadDir, &WriteDir>("dir"),
    Child<&D::source, &S::adapter>("adapter", kPoolAdapterXml).WhenWriting<&Shows<kPoolAdapter>>(),
    Custom<&ReadNothing, &WriteName>("name"),
    Custom<&ReadInitiator, &WriteInitiator>("initiator"),
    Custom<&ReadNothing, &WriteFormat>("format"),
    Child<&D::source, &S::auth>("auth", kStorageAuth),
    Custom<&ReadProtocol, &WriteProtocol>("protocol"),
    Group("vendor", kVendorRows),
    Group("product", kProductRows),
};

// --- the pool --------------------------------------------------------------------------------------

void ReadType(Parser& p, D& d, const xml::Node& pool) {
  p.Value(pool, "type", d.type, Fault::kXml, kRequired);
  d.source.format = d.traits().default_format;
}
void WriteType(Formatter& f, const D& d) {
  f.Attr("type", ToString(d.type));
  if (!d.mount_options.empty()) f.Attr("xmlns:fs", kFsNamespace);
  if (!d.config_options.empty()) f.Attr("xmlns:rbd", kRbdNamespace);
}

void ReadIdentity(Parser& p, D& d, const xml::Node& pool) {
  d.name = pool.ChildText("name").value_or("");
  if (d.name.empty() && (d.traits().shown & kPoolName)) d.name = d.source.name;
  if (d.name.empty()) p.Fail(Fault::kDomainXml, "missing pool source name element");
  if (d.name.find('/') != std::string::npos) p.Fail(Fault::kDomainXml, "name " + d.name + " cannot contain '/'");
  auto text = pool.ChildText("uuid").value_or("");
  auto uuid = text.empty() ? Uuid::Generate() : Uuid::Parse(text);
  if (!uuid) p.Fail(Fault::kDomainXml, "malformed uuid element");
  d.uuid = *uuid;
}
void WriteIdentity(Formatter& f, const D& d) {
  auto bytes = [&](const char* name, std::uint64_t value) {
    f.out().Open(name);
    f.Attr("unit", "bytes");
    f.out().CloseWithText(name, std::to_string(value));
  };
  f.out().TextElement("name", d.name);
  f.out().TextElement("uuid", d.uuid.ToString());
  bytes("capacity", d.capacity);
  bytes("allocation", d.allocation);
  bytes("available", d.available);
}

constexpr RowOf<D> kCowRows[] = {Attr<&D::cow>("state").NonZero()};
constexpr RowOf<D> kFeatureRows[] = {Group("cow", kCowRows)};

// What must be there for the type, once <source> and the name were read.
void CheckSource(Parser& p, D& d, const xml::Node&) {
  if (d.cow != YesNo::kAbsent && d.type != PoolType::kFs && d.type != PoolType::kDir) {
    p.Fail(ErrorCode::kNoSupport, "cow feature may only be used for 'fs' and 'dir' pools");
  }
  auto require = [&](unsigned part, bool there, const char* message) {
    if ((d.traits().required & part) && !there) p.Fail(Fault::kDomainXml, message);
  };
  require(kPoolHost, !d.source.hosts.empty(), "missing storage pool source host name");
  require(kPoolDir, !d.source.dir.empty(), "missing storage pool source path");
  if ((d.traits().shown & kPoolName) && d.source.name.empty()) d.source.name = d.name;
  if (d.traits().required & kPoolAdapter) CheckPoolAdapter(p, d.source.adapter);
  require(kPoolDevice, !d.source.devices.empty(), "missing storage pool source device name");
  if ((d.traits().required & kPoolInitiator) && d.source.initiator_iqn.empty()) p.Fail(Fault::kUnsupported, "missing initiator IQN");
}

void ReadTarget(Parser& p, D& d, const xml::Node& pool) {
  if (!d.traits().has_target) return;
  const xml::Node* target = pool.Child("target");
  if (d.type == PoolType::kLogical) {
    d.target_path = "/dev/" + d.source.name;
  } else if (d.type == PoolType::kZfs) {
    d.target_path = "/dev/zvol/" + d.source.name;
  } else {
    auto path = target ? target->ChildText("path").value_or("") : "";
    if (path.empty()) p.Fail(Fault::kDomainXml, "missing storage pool target path");
    d.target_path = SanitizePath(path);
  }
  if (const xml::Node* permissions = target ? target->Child("permissions") : nullptr) {
    p.Read(kStoragePermissions, d.permissions, *permissions);
  }
}
void WriteTarget(Formatter& f, const D& d) {
  if (!d.traits().has_target) return;
  f.out().Open("target");
  f.out().TextElement("path", d.target_path);
  if (!d.permissions.empty()) f.Write("permissions", kStoragePermissions, d.permissions);
  f.out().Close("target");
}

void ReadRefresh(Parser& p, D& d, const xml::Node& pool) {
  const xml::Node* refresh = pool.Child("refresh");
  const xml::Node* volume = refresh ? refresh->Child("volume") : nullptr;
  auto text = volume ? volume->AttrOr("allocation") : std::string_view();
  if (text.empty()) return;
  d.refresh_allocation = FromString<PoolRefreshAllocation>(text);
  if (!d.refresh_allocation) p.Fail(Fault::kUnsupported, "unknown storage pool volume refresh allocation type " + std::string(text));
}
void WriteRefresh(Formatter& f, const D& d) {
  if (!d.refresh_allocation) return;
  f.out().Open("refresh");
  f.out().Open("volume");
  f.Attr("allocation", ToString(*d.refresh_allocation));
  f.out().Close("volume");
  f.out().Close("refresh");
}

template <typename F>
void EachOption(const xml::Node& pool, std::string_view ns, std::string_view list, F each) {
  auto is = [&](const xml::Node* node, std::string_view name) { return node->ns == ns && node->name == name; };
  for (const xml::Node* node = pool.first_child; node; node = node->next) {
    if (!is(node, list)) continue;
    for (const xml::Node* option = node->first_child; option; option = option->next) {
      if (is(option, "option")) each(*option);
    }
    return;
  }
}

void ReadOptions(Parser& p, D& d, const xml::Node& pool) {
  if (d.type == PoolType::kFs || d.type == PoolType::kNetfs) {
    EachOption(pool, kFsNamespace, "mount_opts", [&](const xml::Node& option) {
      auto name = option.Attr("name");
      if (!name) p.Fail(Fault::kDomainXml, "no fs mount option name specified");
      d.mount_options.emplace_back(*name);
    });
  }
  if (d.type == PoolType::kRbd) {
    EachOption(pool, kRbdNamespace, "config_opts", [&](const xml::Node& option) {
      if (option.AttrOr("name").empty()) p.Fail(Fault::kDomainXml, "no rbd option name specified");
      if (option.AttrOr("value").empty()) p.Fail(Fault::kDomainXml, "no rbd option value specified");
      d.config_options.push_back({std::string(option.AttrOr("name")), std::string(option.AttrOr("value"))});
    });
  }
}
void WriteOptions(Formatter& f, const D& d) {
  auto write = [&](const char* list, const char* option, auto& options, auto fill) {
    if (options.empty()) return;
    f.out().Open(list);
    for (auto& each : options) {
      f.out().Open(option);
      fill(each);
      f.out().Close(option);
    }
    f.out().Close(list);
  };
  write("fs:mount_opts", "fs:option", d.mount_options, [&](const std::string& name) { f.Attr("name", name); });
  write("rbd:config_opts", "rbd:option", d.config_options, [&](const PoolOption& option) {
    f.Attr("name", option.name);
    f.Attr("value", option.value);
  });
}

// In the order in which libvirt finds faults, which but for <source> is that of the output.
constexpr RowOf<D> kPoolRows[] = {
    Custom<&ReadType, &WriteType>("@type"),
    Group("source", kSourceRows).With(kParseOnly),
    Custom<&ReadIdentity, &WriteIdentity>("name uuid capacity allocation available"),
    Group("features", kFeatureRows),
    Custom<&CheckSource, &WriteNothing>(""),
    Group("source", kSourceRows).With(kFormatOnly).Always(),
    Custom<&ReadTarget, &WriteTarget>("target"),
    Custom<&ReadRefresh, &WriteRefresh>("refresh"),
    Custom<&ReadOptions, &WriteOptions>(""),
};
constexpr Description<D> kPool{kPoolRows};

// The schema knows for each type what may stand in its source.
void CheckSchema(const xml::Node& pool) {
  auto type = FromString<PoolType>(pool.AttrOr("type"));
  const xml::Node* source = pool.Child("source");
  if (!type) return;
  auto invalid = [&](const std::string& what) {
    throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, what + " in a pool of type '" + std::string(ToString(*type)) + "'");
  };
  const PoolTraits& traits = TraitsOf(*type);
  struct Element {
    const char* name;
    bool allowed;
  };
  const Element elements[] = {
      {"host", (traits.shown & kPoolHost) != 0},       {"device", (traits.shown & kPoolDevice) != 0},
      {"dir", (traits.shown & kPoolDir) != 0},         {"adapter", (traits.shown & kPoolAdapter) != 0},
      {"name", (traits.shown & kPoolName) != 0},       {"initiator", (traits.shown & kPoolInitiator) != 0},
      {"format", traits.format_count > 0},             {"protocol", *type == PoolType::kNetfs},
      {"auth", *type == PoolType::kIscsi || *type == PoolType::kIscsiDirect || *type == PoolType::kRbd},
  };
  for (const Element& element : elements) {
    if (source && !element.allowed && source->Child(element.name)) invalid("unexpected <" + std::string(element.name) + ">");
  }
  bool needs_source = *type != PoolType::kDir && *type != PoolType::kMpath;
  if (needs_source && !source) invalid("missing <source>");
  if (source && (traits.shown & kPoolName) && *type != PoolType::kLogical && !source->Child("name")) invalid("missing <name>");
  if (*type == PoolType::kIscsi && !source->Child("device")) invalid("missing <device>");
  if (traits.has_target && !pool.Child("target")) invalid("missing <target>");
  if (!traits.has_target && pool.Child("target")) invalid("unexpected <target>");
  const xml::Node* target = pool.Child("target");
  if (const xml::Node* path = target ? target->Child("path") : nullptr) {
    bool absolute = path->text.size() > 1 && path->text[0] == '/' && path->text.find_first_of(" \t\r\n") == path->text.npos;
    if (!absolute || path->Next("path")) invalid("a target path that is not one absolute path");
  }
  if (*type != PoolType::kRbd && pool.Child("refresh")) invalid("unexpected <refresh>");
}

PoolDef Read(const xml::Node& root, bool validate) {
  if (validate) {
    Validate(kPool, root);
    CheckSchema(root);
  }
  PoolDef pool;
  try {
    Parser(ErrorDomain::kStorage, 0).Read(kPool, pool, root);
  } catch (const Error& error) {
    // The schema would have found nearly everything that is wrong.
    if (!validate || error.code == ErrorCode::kNoSupport) throw;
    throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, error.message);
  }
  return pool;
}

}  // namespace

const PoolTraits& TraitsOf(PoolType type) { return kTraits[static_cast<std::uint8_t>(type)]; }

std::string_view PoolDef::format_name() const {
  return source.format < traits().format_count ? traits().formats[source.format] : std::string_view();
}

PoolDef ParsePool(std::string_view xml, bool validate) {
  return Read(xml::Document::Parse(xml, ErrorDomain::kStorage, "storage_pool_definition", "pool").root(), validate);
}

std::string FormatPool(const PoolDef& pool) {
  xml::Writer out;
  Formatter(out, 0).Write("pool", kPool, pool);
  return out.Take();
}

PoolDef ParsePoolState(std::string_view xml) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kStorage, "pool state", "poolstate");
  const xml::Node* pool = document.root().Child("pool");
  if (!pool) throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError, "missing pool element in a pool's state");
  return Read(*pool, false);
}

std::string FormatPoolState(const PoolDef& pool) {
  xml::Writer out;
  out.Open("poolstate");
  Formatter(out, 0).Write("pool", kPool, pool);
  out.Close("poolstate");
  return out.Take();
}

PoolSource ParsePoolSource(std::string_view xml, PoolType type) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kStorage, "storage_source_specification", "source");
  constexpr Description<D> kSource{kSourceRows};
  PoolDef pool;
  pool.type = type;
  pool.source.format = pool.traits().default_format;
  Parser(ErrorDomain::kStorage, 0).Read(kSource, pool, document.root());
  return std::move(pool.source);
}

std::string FormatPoolSources(const std::vector<PoolSource>& sources, PoolType type) {
  constexpr Description<D> kSource{kSourceRows};
  xml::Writer out;
  out.Open("sources");
  for (const PoolSource& source : sources) {
    PoolDef pool;
    pool.type = type;
    pool.source = source;
    Formatter(out, 0).Write("source", kSource, pool);
  }
  out.Close("sources");
  return out.Take();
}

}  // namespace bv::model
