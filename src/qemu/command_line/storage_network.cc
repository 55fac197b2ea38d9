#include "qemu/command_line/storage_network.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cstdlib>

#include "qemu/command_line/tls.h"

namespace bv::qemu {

using namespace model;

namespace {

unsigned DefaultPort(NetworkProtocol protocol) {
  switch (protocol) {
    case NetworkProtocol::kNbd:
      return 10809;
    case NetworkProtocol::kGluster:
      return 24007;
    case NetworkProtocol::kIscsi:
      return 3260;
    case NetworkProtocol::kHttp:
      return 80;
    case NetworkProtocol::kHttps:
      return 443;
    case NetworkProtocol::kFtp:
      return 21;
    case NetworkProtocol::kFtps:
      return 990;
    case NetworkProtocol::kTftp:
      return 69;
    case NetworkProtocol::kSsh:
      return 22;
    case NetworkProtocol::kSheepdog:
      return 7000;
    case NetworkProtocol::kVxhs:
      return 9999;
    case NetworkProtocol::kNfs:
      return 2049;
    default:
      return 0;
  }
}

unsigned PortOf(const StorageSource& source, const StorageHost& host) {
  return host.port ? host.port : DefaultPort(source.protocol);
}

// A host with its transport, as gluster, nbd and sheepdog want it.
Props SocketAddress(const StorageSource& source, const StorageHost& host) {
  switch (host.transport) {
    case HostTransport::kTcp:
      return Props().Add("type", "inet").Add("host", host.name).Add("port", std::to_string(PortOf(source, host)));
    case HostTransport::kUnix:
      return Props().Add("type", "unix").Add("path", host.socket);
    default:
      throw Internal("transport protocol '{}' is not yet supported", ToString(host.transport));
  }
}

// Without a transport, as ceph and ssh want it.
Props PlainAddress(const StorageSource& source, const StorageHost& host) {
  return Props().Add("host", host.name).Add("port", std::to_string(PortOf(source, host)));
}

template <typename Describe>
Json ListOfHosts(const StorageSource& source, Describe describe) {
  Json list = Json::Array();
  for (auto& host : source.hosts) list.Append(describe(source, host).json());
  return list;
}

const StorageHost& OnlyHost(const StorageSource& source) {
  if (source.hosts.size() != 1) {
    throw Internal("protocol '{}' accepts only one host", ToString(source.protocol));
  }
  return source.hosts.front();
}

std::string AuthSecret(const BlockNames& names) { return names.storage + "-auth-secret0"; }
std::string CookieSecret(const BlockNames& names) { return names.storage + "-httpcookie-secret0"; }

// "NAME/REST" split at the first slash.
std::pair<std::string, std::string> SplitFirst(const std::string& path) {
  auto slash = path.find('/');
  return slash == path.npos ? std::pair(path, std::string()) : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

Props DescribeUrl(const StorageSource& source, const BlockNames& names) {
  auto& host = OnlyHost(source);
  std::string path = source.path.starts_with('/') ? source.path : "/" + source.path;
  std::string url = fmt::format("{}://{}:{}{}", ToString(source.protocol), host.name, PortOf(source, host), path);
  if (!source.query.empty()) url += "?" + source.query;
  Props node = Props::Device(ToString(source.protocol));
  node.Add("url", url);
  if (source.auth) node.Add("username", source.auth->username).Add("password-secret", AuthSecret(names));
  node.Add("sslverify", source.ssl_verify);
  if (!source.cookies.empty()) node.Add("cookie-secret", CookieSecret(names));
  return node.AddSet("timeout", source.timeout).AddSet("readahead", source.readahead);
}

// The target may name its unit behind a slash.
Props DescribeIscsi(const StorageSource& source, const BlockNames& names) {
  auto& host = OnlyHost(source);
  std::string target = source.path;
  std::uint64_t lun = 0;
  if (auto slash = target.rfind('/'); slash != target.npos) {
    char* end = nullptr;
    lun = std::strtoull(target.c_str() + slash + 1, &end, 10);
    if (*end || slash + 1 == target.size()) throw Internal("invalid target number in '{}'", target);
    target.resize(slash);
  }
  // IPv6 addresses need brackets in front of a port.
  std::string name = host.name.find(':') == host.name.npos ? host.name : "[" + host.name + "]";
  Props node = Props::Device("iscsi");
  node.Add("portal", fmt::format("{}:{}", name, PortOf(source, host))).Add("target", target).Add("lun", lun).Add("transport", "tcp");
  if (source.auth) node.Add("user", source.auth->username).Add("password-secret", AuthSecret(names));
  return node.AddSet("initiator-name", source.initiator_iqn);
}

Props DescribeRbd(const StorageSource& source, const BlockNames& names) {
  auto [pool, image] = SplitFirst(source.path);
  Props node = Props::Device("rbd");
  node.Add("pool", pool).Add("image", image).AddSet("snapshot", source.snapshot_name).AddSet("conf", source.config_file);
  if (!source.hosts.empty()) node.Add("server", ListOfHosts(source, PlainAddress));
  if (source.encryption && source.encryption->engine == EncryptionEngine::kLibrbd) {
    const char* format = source.encryption->format == EncryptionFormat::kLuks2 ? "luks2" : "luks";
    node.Add("encrypt", Props().Add("format", format).Add("key-secret", names.format + "-encryption-secret0"));
  }
  if (source.auth) {
    Json methods = Json::Array();
    methods.Append("cephx");
    methods.Append("none");
    node.Add("user", source.auth->username).Add("auth-client-required", std::move(methods)).Add("key-secret", AuthSecret(names));
  }
  return node;
}

// A numeric id ("+1000"), or a name of the user database.
template <typename Look>
unsigned NumericId(const std::string& text, Look look) {
  char* end = nullptr;
  const char* digits = text.c_str() + (text.starts_with('+') ? 1 : 0);
  unsigned long value = std::strtoul(digits, &end, 10);
  if (*digits && !*end) return static_cast<unsigned>(value);
  return look(text.c_str());
}

unsigned UserId(const std::string& name) {
  return NumericId(name, [&](const char* text) -> unsigned {
    if (passwd* entry = getpwnam(text)) return entry->pw_uid;
    throw Error(ErrorDomain::kNone, ErrorCode::kSystemError, fmt::format("Failed to find user record for name '{}'", name));
  });
}
unsigned GroupId(const std::string& name) {
  return NumericId(name, [&](const char* text) -> unsigned {
    if (group* entry = getgrnam(text)) return entry->gr_gid;
    throw Error(ErrorDomain::kNone, ErrorCode::kSystemError, fmt::format("Failed to find group record for name '{}'", name));
  });
}

Props DescribeNfs(const StorageSource& source) {
  Props node = Props::Device("nfs");
  node.Add("server", Props().Add("host", OnlyHost(source).name).Add("type", "inet")).Add("path", source.path);
  if (!source.nfs_user.empty()) node.Add("user", UserId(source.nfs_user));
  if (!source.nfs_group.empty()) node.Add("group", GroupId(source.nfs_group));
  return node;
}

Props DescribeSsh(const StorageSource& source) {
  Props node = Props::Device("ssh");
  return node.Add("path", source.path).Add("server", PlainAddress(source, OnlyHost(source)));
}

bool WantsTls(const StorageSource& source, const Context& context) {
  if (source.protocol != NetworkProtocol::kNbd) return source.tls == YesNo::kYes;
  return source.tls == YesNo::kYes || (source.tls == YesNo::kAbsent && context.config.nbd_tls.enabled);
}

Props DescribeNbd(const StorageSource& source, const BlockNames& names, const Context& context) {
  Props node = Props::Device("nbd");
  node.Add("server", SocketAddress(source, OnlyHost(source))).AddSet("export", source.path);
  if (WantsTls(source, context)) node.Add("tls-creds", TlsAlias(names.storage)).AddSet("tls-hostname", source.tls_hostname);
  return node;
}

Props DescribeGluster(const StorageSource& source, const Context& context) {
  auto [volume, path] = SplitFirst(source.path);
  Props node = Props::Device("gluster");
  node.Add("volume", volume).Add("path", path).Add("server", ListOfHosts(source, SocketAddress));
  return node.AddSet("debug", context.config.gluster_debug_level);
}

}  // namespace

Props DescribeNetworkStorage(const StorageSource& source, const BlockNames& names, const Context& context) {
  switch (source.protocol) {
    case NetworkProtocol::kNbd:
      return DescribeNbd(source, names, context);
    case NetworkProtocol::kRbd:
      return DescribeRbd(source, names);
    case NetworkProtocol::kGluster:
      return DescribeGluster(source, context);
    case NetworkProtocol::kIscsi:
      return DescribeIscsi(source, names);
    case NetworkProtocol::kHttp:
    case NetworkProtocol::kHttps:
    case NetworkProtocol::kFtp:
    case NetworkProtocol::kFtps:
      return DescribeUrl(source, names);
    case NetworkProtocol::kTftp:
      throw Unsupported("'tftp' protocol is not supported with this QEMU binary");
    case NetworkProtocol::kSheepdog:
      return Props::Device("sheepdog").Add("server", SocketAddress(source, OnlyHost(source))).Add("vdi", source.path);
    case NetworkProtocol::kSsh:
      return DescribeSsh(source);
    case NetworkProtocol::kNfs:
      return DescribeNfs(source);
    case NetworkProtocol::kVxhs:
      throw Unsupported("VxHS protocol is not supported with this QEMU binary");
    case NetworkProtocol::kNone:
      break;
  }
  throw Internal("Unexpected network protocol '{}'", ToString(source.protocol));
}

void AppendNetworkObjects(const StorageSource& source, const BlockNames& names, const Context& context,
                          std::vector<Props>* objects) {
  if (source.auth) {
    SecretLookup lookup{.uuid = source.auth->secret.uuid ? source.auth->secret.uuid->ToString() : "",
                        .usage_type = source.protocol == NetworkProtocol::kRbd ? "ceph" : "iscsi",
                        .usage = source.auth->secret.usage};
    objects->push_back(EncryptedSecretObject(AuthSecret(names), context.options.secret_value(lookup), context.options.master_key));
  }
  if (source.encryption && source.encryption->engine == EncryptionEngine::kLibrbd && !source.encryption->secrets.empty()) {
    auto& secret = source.encryption->secrets.front();
    SecretLookup lookup{.uuid = secret.uuid ? secret.uuid->ToString() : "", .usage_type = "volume", .usage = secret.usage};
    objects->push_back(EncryptedSecretObject(names.format + "-encryption-secret0", context.options.secret_value(lookup),
                                             context.options.master_key));
  }
  if (!source.cookies.empty()) {
    std::string text;
    for (auto& cookie : source.cookies) {
      if (!text.empty()) text += "; ";
      text += cookie.name + "=" + cookie.value;
    }
    objects->push_back(EncryptedSecretObject(CookieSecret(names), text, context.options.master_key));
  }
  if (source.type == StorageType::kNetwork && WantsTls(source, context)) {
    // QEMU is the client of a storage server and always asks for its certificate.
    const TlsSettings& tls = context.config.nbd_tls;
    objects->push_back(Props::Object("tls-creds-x509", TlsAlias(names.storage))
                           .Add("dir", context.config.CertDir(tls))
                           .Add("endpoint", "client")
                           .Add("verify-peer", true));
  }
}

}  // namespace bv::qemu
