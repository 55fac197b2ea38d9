// Pools whose volumes are the disks that an iSCSI target has for this host. iscsiadm(8) makes the sessions.

#include <fmt/core.h>

#include <charconv>

#include "base/command.h"
#include "base/error.h"
#include "base/uuid.h"
#include "base/wait.h"
#include "daemon/secret_source.h"
#include "host/kernel_files.h"
#include "model/secret.h"
#include "storage/backend.h"
#include "storage/iscsi_report.h"
#include "storage/scsi_units.h"
#include "storage/tool.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolSource;
using model::PoolType;

namespace {

constexpr int kDefaultPort = 3260;

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

Task<std::string> Iscsiadm(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "iscsiadm");
  auto output = co_await RunTool(std::move(arguments));
  co_return output;
}

// The session with a target; empty where there is none.
Task<std::string> Session(std::string target) {
  Command command;
  command.argv = {"iscsiadm", "--mode", "session"};
  auto result = co_await Run(command);
  // It fails where there are no sessions at all.
  if (!result.ok()) co_return "";
  co_return FindSession(result.output, target);
}

Task<std::string> RequireSession(std::string target) {
  std::string session = co_await Session(target);
  if (session.empty()) Fail(ErrorCode::kInternalError, "cannot find iscsiadm session for target '" + target + "'");
  co_return session;
}

std::string PortalOf(const PoolSource& source) {
  if (source.hosts.size() != 1) Fail(ErrorCode::kConfigUnsupported, "Expected exactly 1 host for the storage pool");
  int port = source.hosts[0].port ? source.hosts[0].port : kDefaultPort;
  const std::string& name = source.hosts[0].name;
  if (name.find(':') != name.npos) return fmt::format("[{}]:{},1", name, port);
  return fmt::format("{}:{},1", name, port);
}

// The name of the interface that has the initiator's name, which is made if there is none.
Task<std::string> InterfaceFor(std::string initiator) {
  std::vector<std::string> list{"--mode", "iface"};
  std::string output = co_await Iscsiadm(std::move(list));
  std::string name = FindInterface(output, initiator);
  if (!name.empty()) co_return name;
  name = "libvirt-iface-" + Uuid::Generate().ToString().substr(0, 8);
  std::vector<std::string> make{"--mode", "iface", "--interface", name, "--op", "new"};
  co_await Iscsiadm(std::move(make));
  std::vector<std::string> set{"--mode", "iface", "--interface", name, "--op", "update", "--name", "iface.initiatorname", "--value", initiator};
  co_await Iscsiadm(std::move(set));
  co_return name;
}

// "--login" or "--logout".
Task<> Connection(const PoolDef& pool, const char* what) {
  std::vector<std::string> argv{"--mode", "node", "--portal", PortalOf(pool.source), "--targetname", pool.source.devices.at(0).path, what};
  if (!pool.source.initiator_iqn.empty()) {
    argv.push_back("--interface");
    argv.push_back(co_await InterfaceFor(pool.source.initiator_iqn));
  }
  co_await Iscsiadm(std::move(argv));
}

Task<> SetAuthentication(const PoolDef& pool) {
  const model::StorageAuth& auth = *pool.source.auth;
  if (auth.type != model::AuthType::kChap) Fail(ErrorCode::kConfigUnsupported, "iscsi pool only supports 'chap' auth type");
  SecretSource::Name name;
  name.uuid = auth.secret.uuid;
  name.usage_type = static_cast<int>(model::SecretUsage::kIscsi);
  name.usage = auth.secret.usage;
  auto password = co_await SecretSource::Value(name);
  const std::pair<const char*, std::string> settings[] = {{"authmethod", "CHAP"}, {"username", auth.username}, {"password", password}};
  for (auto& [key, value] : settings) {
    std::vector<std::string> argv{"--mode", "node", "--portal", PortalOf(pool.source), "--target", pool.source.devices.at(0).path, "--op", "update",
                                  "--name", std::string("node.session.auth.") + key, "--value", value};
    co_await Iscsiadm(std::move(argv));
  }
}

// The SCSI host that the kernel has made for a session.
unsigned HostOf(const std::string& session) {
  std::string directory = "/sys/class/iscsi_session/session" + session + "/device";
  for (const std::string& name : host::KernelFiles().Names(directory)) {
    unsigned host = 0;
    if (name.starts_with("target") && std::from_chars(name.data() + 6, name.data() + name.size(), host).ec == std::errc()) return host;
  }
  Fail(ErrorCode::kInternalError, "Failed to get host number for iSCSI session with path '" + directory + "'");
}

class IscsiBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    if (pool.source.devices.size() != 1) co_return false;
    std::string session = co_await Session(pool.source.devices[0].path);
    co_return !session.empty();
  }

  Task<> BringUp(const PoolDef& pool) const override {
    if (pool.source.hosts.size() != 1) Fail(ErrorCode::kConfigUnsupported, "Expected exactly 1 host for the storage pool");
    if (pool.source.hosts[0].name.empty()) Fail(ErrorCode::kConfigUnsupported, "missing source host");
    if (pool.source.devices.size() != 1 || pool.source.devices[0].path.empty()) Fail(ErrorCode::kConfigUnsupported, "missing source device");
    const std::string& target = pool.source.devices[0].path;
    std::string session = co_await Session(target);
    if (!session.empty()) co_return;
    std::vector<std::string> argv{"--mode", "node", "--portal", PortalOf(pool.source), "--targetname", target, "--op", "new"};
    co_await Iscsiadm(std::move(argv));
    if (pool.source.auth) co_await SetAuthentication(pool);
    co_await Connection(pool, "--login");
  }

  Task<> TakeDown(const PoolDef& pool) const override {
    std::string session = co_await Session(pool.source.devices.at(0).path);
    if (!session.empty()) co_await Connection(pool, "--logout");
  }

  Task<PoolContents> Look(const PoolDef& pool) const override {
    std::string session = co_await RequireSession(pool.source.devices.at(0).path);
    std::vector<std::string> rescan{"--mode", "session", "-r", session, "-R"};
    co_await Iscsiadm(std::move(rescan));
    co_await SettleDevices();
    auto find = [session] { return HostOf(session); };
    auto host = co_await Offload(find);
    auto contents = co_await LookAtScsiHost(pool, host);
    auto& source = contents.source.emplace(pool.source);
    if (!source.hosts.at(0).port) source.hosts[0].port = kDefaultPort;
    co_return contents;
  }

  // The targets of a portal.
  Task<std::vector<PoolSource>> FindSources(PoolType type, const std::string& specification) const override {
    PoolSource asked;
    if (!specification.empty()) asked = model::ParsePoolSource(specification, type);
    if (specification.empty()) Fail(ErrorCode::kInvalidArg, "hostname must be specified for iscsi sources");
    if (asked.hosts.size() != 1) Fail(ErrorCode::kInvalidArg, "Expected exactly 1 host for the storage pool");
    if (!asked.hosts[0].port) asked.hosts[0].port = kDefaultPort;
    std::vector<std::string> argv{"--mode", "discovery", "--type", "sendtargets", "--portal", PortalOf(asked), "--op", "nonpersistent"};
    if (!asked.initiator_iqn.empty()) {
      argv.push_back("--interface");
      argv.push_back(co_await InterfaceFor(asked.initiator_iqn));
    }
    std::string output = co_await Iscsiadm(std::move(argv));
    std::vector<PoolSource> sources;
    for (const std::string& target : ReadTargets(output)) {
      PoolSource& found = sources.emplace_back();
      found.hosts = asked.hosts;
      found.devices.emplace_back().path = target;
      found.initiator_iqn = asked.initiator_iqn;
    }
    co_return sources;
  }
};

constinit const IscsiBackend kIscsi;

}  // namespace

constinit const Backend& kIscsiPools = kIscsi;

}  // namespace bv::storage
