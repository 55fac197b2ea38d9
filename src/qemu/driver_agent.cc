// What only the guest itself can tell or do, asked of the agent in it.

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "base/error.h"
#include "base/files.h"
#include "base/verbatim_error.h"
#include "qemu/agent.h"
#include "qemu/agent_answers.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

[[noreturn]] void Unsupported(const char* what) { throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, what); }

constexpr std::int64_t kNanoseconds = 1000000000;

template <typename List>
Json TextArray(const List& list) {
  auto array = Json::Array();
  for (auto& text : list) array.Append(text);
  return array;
}

}  // namespace

Task<Json> QemuDriver::AskAgent(DomainPtr domain, const char* command, Json arguments) {
  AgentOf(domain);
  auto agent = domain->guest->agent;
  co_return co_await agent->Execute(command, std::move(arguments), domain->agent_timeout);
}

// --- time ----------------------------------------------------------------------------------------

Task<remote::DomainGetTimeRet> QemuDriver::DomainGetTime(Call&, remote::DomainGetTimeArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetTime");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto now = (co_await AskAgent(domain, "guest-get-time")).AsInt().value_or(0);
  remote::DomainGetTimeRet ret;
  ret.seconds = now / kNanoseconds;
  ret.nseconds = static_cast<std::uint32_t>(now % kNanoseconds);
  co_return ret;
}

Task<> QemuDriver::DomainSetTime(Call&, remote::DomainSetTimeArgs args) {
  constexpr unsigned kSync = 1;
  CheckFlags(args.flags, kSync, "qemuDomainSetTime");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  Json arguments;
  if (!(args.flags & kSync)) {
    if (args.seconds > std::numeric_limits<std::int64_t>::max() / kNanoseconds)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                  fmt::format("Time '{}' is too big for guest agent", args.seconds));
    arguments = Json::Object({{"time", args.seconds * kNanoseconds + args.nseconds}});
  }
  co_await AskAgent(domain, "guest-set-time", arguments);
  // Ticks that the RTC still has to make up for would set the guest's clock wrong again.
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetTime");
  RequireActive(*domain);
  co_await guests_->MonitorOf(domain).Execute("rtc-reset-reinjection");
}

// --- file systems --------------------------------------------------------------------------------

Task<remote::DomainFsfreezeRet> QemuDriver::DomainFsfreeze(Call&, remote::DomainFsfreezeArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainFSFreeze");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  Json arguments;
  if (!args.mountpoints.empty()) arguments = Json::Object({{"mountpoints", TextArray(args.mountpoints)}});
  auto frozen = co_await AskAgent(domain, arguments ? "guest-fsfreeze-freeze-list" : "guest-fsfreeze-freeze", arguments);
  co_return remote::DomainFsfreezeRet{static_cast<std::int32_t>(frozen.AsInt().value_or(0))};
}

Task<remote::DomainFsthawRet> QemuDriver::DomainFsthaw(Call&, remote::DomainFsthawArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainFSThaw");
  if (!args.mountpoints.empty()) Unsupported("specifying mountpoints is not supported");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto thawed = co_await AskAgent(domain, "guest-fsfreeze-thaw");
  co_return remote::DomainFsthawRet{static_cast<std::int32_t>(thawed.AsInt().value_or(0))};
}

Task<> QemuDriver::DomainFstrim(Call&, remote::DomainFstrimArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainFSTrim");
  if (args.mountPoint) Unsupported("Specifying mount point is not supported for now");
  auto domain = co_await Get(args.dom);
  auto arguments = Json::Object({{"minimum", args.minimum}});
  co_await AskAgent(domain, "guest-fstrim", arguments);
}

Task<remote::DomainGetFsinfoRet> QemuDriver::DomainGetFsinfo(Call&, remote::DomainGetFsinfoArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetFSInfo");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto answer = co_await AskAgent(domain, "guest-get-fsinfo");
  remote::DomainGetFsinfoRet ret;
  for (auto& info : ReadFsinfo(answer, domain->def())) ret.info.push_back(std::move(info));
  ret.ret = static_cast<std::uint32_t>(ret.info.size());
  co_return ret;
}

// --- users ---------------------------------------------------------------------------------------

Task<> QemuDriver::DomainSetUserPassword(Call&, remote::DomainSetUserPasswordArgs args) {
  constexpr unsigned kEncrypted = 1;
  CheckFlags(args.flags, kEncrypted, "qemuDomainSetUserPassword");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto arguments = Json::Object({{"crypted", (args.flags & kEncrypted) != 0},
                                 {"username", args.user.value_or("")},
                                 {"password", ToBase64(args.password.value_or(""))}});
  co_await AskAgent(domain, "guest-set-user-password", arguments);
}

Task<remote::DomainAuthorizedSshKeysGetRet> QemuDriver::DomainAuthorizedSshKeysGet(
    Call&, remote::DomainAuthorizedSshKeysGetArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainAuthorizedSSHKeysGet");
  auto domain = co_await Get(args.dom);
  auto arguments = Json::Object({{"username", args.user}});
  auto answer = co_await AskAgent(domain, "guest-ssh-get-authorized-keys", arguments);
  remote::DomainAuthorizedSshKeysGetRet ret;
  for (auto& key : answer.GetArray("keys").elements()) ret.keys.push_back(key.AsString().value_or(""));
  co_return ret;
}

Task<> QemuDriver::DomainAuthorizedSshKeysSet(Call&, remote::DomainAuthorizedSshKeysSetArgs args) {
  constexpr unsigned kAppend = 1, kRemove = 2;
  CheckFlags(args.flags, kAppend | kRemove, "qemuDomainAuthorizedSSHKeysSet");
  auto domain = co_await Get(args.dom);
  auto arguments = Json::Object({{"username", args.user}, {"keys", TextArray(args.keys)}});
  if (args.flags & kRemove) {
    co_await AskAgent(domain, "guest-ssh-remove-authorized-keys", arguments);
  } else {
    arguments.Set("reset", !(args.flags & kAppend));
    co_await AskAgent(domain, "guest-ssh-add-authorized-keys", arguments);
  }
}

// --- names and addresses -------------------------------------------------------------------------

Task<remote::DomainGetHostnameRet> QemuDriver::DomainGetHostname(Call&, remote::DomainGetHostnameArgs args) {
  constexpr unsigned kLease = 1, kAgent = 2;
  CheckFlags(args.flags, kLease | kAgent, "qemuDomainGetHostname");
  if ((args.flags & kLease) && (args.flags & kAgent))
    throw VerbatimError(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                        "Flags 'VIR_DOMAIN_GET_HOSTNAME_LEASE' and 'VIR_DOMAIN_GET_HOSTNAME_AGENT' are mutually exclusive");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  // Leases come from networks; no guest is connected to one yet.
  std::string name;
  if (!(args.flags & kLease)) {
    AgentOf(domain);
    try {
      auto answer = co_await AskAgent(domain, "guest-get-host-name");
      name = answer.GetString("host-name");
    } catch (const Error&) {
      // A guest that does not say has none.
    }
  }
  if (name.empty())
    throw Error(ErrorDomain::kQemu, ErrorCode::kNoHostname, fmt::format("no hostname found for domain {}", domain->name()));
  co_return remote::DomainGetHostnameRet{name};
}

namespace {

// The neighbours that the host's kernel knows, by hardware address (/proc/net/arp: address, type,
// flags, hardware address, mask, device).
std::vector<remote::DomainInterface> NeighboursOf(const model::DomainDef& def, const std::string& table) {
  std::vector<remote::DomainInterface> list;
  for (auto& net : def.interfaces) {
    remote::DomainInterface interface;
    interface.name = net->target.dev;
    char buffer[18];
    auto mac = net->mac ? std::string(net->mac->FormatTo(buffer)) : std::string();
    for (std::size_t begin = 0; begin < table.size();) {
      auto end = std::min(table.find('\n', begin), table.size());
      auto line = table.substr(begin, end - begin);
      begin = end + 1;
      if (mac.empty() || line.find(' ' + mac + ' ') == std::string::npos) continue;
      remote::DomainIpAddr address;
      address.addr = line.substr(0, line.find(' '));
      interface.addrs.push_back(std::move(address));
    }
    if (interface.addrs.empty()) continue;
    interface.hwaddr = mac;
    list.push_back(std::move(interface));
  }
  return list;
}

}  // namespace

Task<remote::DomainInterfaceAddressesRet> QemuDriver::DomainInterfaceAddresses(
    Call&, remote::DomainInterfaceAddressesArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainInterfaceAddresses");
  enum : unsigned { kLease, kAgent, kArp };
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  remote::DomainInterfaceAddressesRet ret;
  std::vector<remote::DomainInterface> found;
  if (args.source == kAgent) {
    found = ReadInterfaces(co_await AskAgent(domain, "guest-network-get-interfaces"));
  } else if (args.source == kArp) {
    auto work = [] { return ReadFileIfExists("/proc/net/arp").value_or(""); };
    auto table = co_await Offload(std::move(work));
    found = NeighboursOf(domain->def(), table);
  } else if (args.source != kLease) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported,
                fmt::format("Unknown IP address data source {}", args.source));
  }
  for (auto& interface : found) ret.ifaces.push_back(std::move(interface));
  co_return ret;
}

// --- processors ----------------------------------------------------------------------------------

Task<remote::DomainGetGuestVcpusRet> QemuDriver::DomainGetGuestVcpus(Call&, remote::DomainGetGuestVcpusArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetGuestVcpus");
  auto domain = co_await Get(args.dom);
  auto vcpus = ReadGuestVcpus(co_await AskAgent(domain, "guest-get-vcpus"));
  remote::DomainGetGuestVcpusRet ret;
  for (auto& param : GuestVcpuParams(vcpus)) ret.params.push_back(std::move(param));
  co_return ret;
}

Task<> QemuDriver::ChangeGuestVcpus(DomainPtr domain, std::vector<GuestVcpu> changed) {
  // The agent stops at what it cannot do and says how far it came.
  while (!changed.empty()) {
    auto done = (co_await AskAgent(domain, "guest-set-vcpus", SetVcpusArguments(changed))).AsInt().value_or(0);
    if (done <= 0 || static_cast<std::size_t>(done) > changed.size())
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "guest agent failed to set the state of vCPUs");
    changed.erase(changed.begin(), changed.begin() + done);
  }
}

Task<> QemuDriver::DomainSetGuestVcpus(Call&, remote::DomainSetGuestVcpusArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSetGuestVcpus");
  if (args.state != 0 && args.state != 1) 
    throw VerbatimError(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "unsupported state value");
  auto wanted = Bitmap::Parse(args.cpumap);
  if (!wanted)
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format("Failed to parse bitmap '{}'", args.cpumap));
  auto domain = co_await Get(args.dom);
  auto vcpus = ReadGuestVcpus(co_await AskAgent(domain, "guest-get-vcpus"));
  bool online = args.state == 1;
  std::vector<GuestVcpu> changed;
  for (auto id = wanted->Next(); id; id = wanted->Next(*id + 1)) {
    auto at = std::find_if(vcpus.begin(), vcpus.end(), [&](auto& vcpu) { return vcpu.id == *id; });
    if (at == vcpus.end())
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("guest is missing vCPUs '{}'", args.cpumap));
    if (!online && !at->can_offline)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, fmt::format("vCPU '{}' is not offlinable", *id));
    at->online = online;
    changed.push_back(*at);
  }
  co_await ChangeGuestVcpus(domain, std::move(changed));
}

Task<> QemuDriver::SetOnlineVcpus(DomainPtr domain, unsigned count) {
  auto vcpus = ReadGuestVcpus(co_await AskAgent(domain, "guest-get-vcpus"));
  auto online = static_cast<unsigned>(std::count_if(vcpus.begin(), vcpus.end(), [](auto& vcpu) { return vcpu.online; }));
  if (count > vcpus.size())
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "requested vcpu count is greater than the count of enabled vcpus in the domain");
  std::vector<GuestVcpu> changed;
  // On from the first, off from the last.
  auto flip = [&](GuestVcpu& vcpu) {
    if (vcpu.online == (count > online) || (vcpu.online && !vcpu.can_offline)) return;
    vcpu.online = !vcpu.online;
    vcpu.online ? ++online : --online;
    changed.push_back(vcpu);
  };
  for (std::size_t i = 0; i < vcpus.size() && online < count; ++i) flip(vcpus[i]);
  for (std::size_t i = vcpus.size(); i > 0 && online > count; --i) flip(vcpus[i - 1]);
  if (online != count)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "Cannot offline enough CPUs");
  co_await ChangeGuestVcpus(domain, std::move(changed));
}

// --- everything at once --------------------------------------------------------------------------

Task<remote::DomainGetGuestInfoRet> QemuDriver::DomainGetGuestInfo(Call&, remote::DomainGetGuestInfoArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetGuestInfo");
  unsigned known = 0;
  for (auto& kind : GuestInfoKinds()) known |= kind.type;
  if (args.types & ~known)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                fmt::format("unsupported guest information types '0x{:x}'", args.types & ~known));
  auto domain = co_await Get(args.dom);
  AgentOf(domain);
  remote::DomainGetGuestInfoRet ret;
  for (auto& kind : GuestInfoKinds()) {
    if (args.types && !(args.types & kind.type)) continue;
    std::vector<TypedParam> params;
    try {
      params = kind.read(co_await AskAgent(domain, kind.command), domain->def());
    } catch (const AgentLacksCommand&) {
      // What was not asked for by name may well be missing.
      if (args.types) throw;
    }
    for (auto& param : params) ret.params.push_back(std::move(param));
  }
  co_return ret;
}

Task<remote::DomainAgentSetResponseTimeoutRet> QemuDriver::DomainAgentSetResponseTimeout(
    Call&, remote::DomainAgentSetResponseTimeoutArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainAgentSetResponseTimeout");
  constexpr int kBlock = -2;
  if (args.timeout < kBlock)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                fmt::format("guest agent timeout '{}' is less than the minimum '{}'", args.timeout, kBlock));
  auto domain = co_await Get(args.dom);
  domain->agent_timeout = args.timeout;
  if (domain->active()) guests_->SaveStatus(domain);
  co_return remote::DomainAgentSetResponseTimeoutRet{0};
}

}  // namespace bv::qemu
