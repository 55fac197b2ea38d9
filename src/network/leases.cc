#include "network/leases.h"

#include <ctime>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace bv::network {

std::vector<Lease> ParseLeases(const std::string& text) {
  std::vector<Lease> leases;
  if (text.find_first_not_of(" \t\r\n") == text.npos) return leases;
  Json list = Json::Parse(text);
  if (!list.is_array()) throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "Malformed lease_entries array");
  for (const Json& entry : list.elements()) {
    auto text_of = [&](const char* key) { return entry.Find(key).AsString().value_or(""); };
    Lease lease{text_of("ip-address"), text_of("mac-address"), text_of("hostname"), text_of("client-id"), text_of("iaid"), text_of("server-duid"),
                entry.Find("expiry-time").AsInt().value_or(0)};
    if (!lease.ip.empty()) leases.push_back(std::move(lease));
  }
  return leases;
}

std::vector<Lease> ReadLeases(const std::string& path) {
  auto leases = ParseLeases(ReadFileIfExists(path).value_or(""));
  std::int64_t now = time(nullptr);
  std::erase_if(leases, [=](auto& lease) { return lease.expiry > 0 && lease.expiry < now; });
  return leases;
}

std::string FormatLeases(const std::vector<Lease>& leases) {
  Json list = Json::Array();
  for (const Lease& lease : leases) {
    Json entry = Json::Object();
    auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) entry.Set(key, value);
    };
    add("iaid", lease.iaid);
    add("ip-address", lease.ip);
    add("mac-address", lease.mac);
    add("hostname", lease.hostname);
    add("client-id", lease.client_id);
    add("server-duid", lease.server_duid);
    entry.Set("expiry-time", lease.expiry);
    list.Append(entry);
  }
  return list.Dump(true) + "\n";
}

remote::NetworkDhcpLease Describe(const Lease& lease, const model::NetworkDef& network) {
  auto optional = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  remote::NetworkDhcpLease out;
  bool v4 = lease.ip.find(':') == lease.ip.npos;
  out.iface = network.bridge.name;
  out.expirytime = lease.expiry;
  out.type = v4 ? 0 : 1;
  out.mac = optional(lease.mac);
  out.iaid = optional(lease.iaid);
  out.ipaddr = lease.ip;
  for (auto& ip : network.ips) {
    if (ip.v4() == v4 && ip.has_dhcp()) out.prefix = PrefixOf(ip);
  }
  out.hostname = optional(lease.hostname);
  out.clientid = optional(lease.client_id);
  return out;
}

}  // namespace bv::network
