#include "qemu/rx_filter.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "host/net_link.h"
#include "qemu/domain.h"
#include "qemu/guest.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr const char* kSource = "qemu.qemu_driver";

struct RxFilter {
  std::optional<MacAddress> address;
  bool promiscuous = false, all_multicast = false;
  std::vector<MacAddress> multicast;
};

RxFilter ParseRxFilter(const Json& json) {
  RxFilter filter;
  filter.address = MacAddress::Parse(json["main-mac"].AsString().value_or(""));
  filter.promiscuous = json["promiscuous"].AsBool().value_or(false);
  filter.all_multicast = json["multicast"].AsString().value_or("") == "all";
  Json list = json["multicast-table"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (auto mac = MacAddress::Parse(list.at(i).AsString().value_or(""))) filter.multicast.push_back(*mac);
  }
  return filter;
}

// Blocks.
void Apply(const std::string& tap, const RxFilter& filter) {
  host::NetLink link(tap);
  if (filter.address && *filter.address != link.Mac()) link.SetMac(*filter.address);
  auto there = link.MulticastAddresses();
  for (auto& mac : filter.multicast) {
    if (std::ranges::find(there, mac) == there.end()) link.AddMulticast(mac);
  }
  for (auto& mac : there) {
    if (std::ranges::find(filter.multicast, mac) == filter.multicast.end()) link.RemoveMulticast(mac);
  }
  link.LetIn(filter.promiscuous, filter.all_multicast);
}

bool Follows(const Interface& net) {
  const Interface& connection = net.actual ? net.actual->connection : net;
  return connection.type == InterfaceType::kDirect && connection.trust_guest_rx_filters == YesNo::kYes && !net.target.dev.empty();
}

Task<> Follow(std::shared_ptr<Domain> domain, std::string alias, std::string tap) {
  auto* guest = domain->guest.get();
  try {
    auto card = Json::Object();
    card.Set("name", alias);
    auto answer = co_await guest->monitor->Execute("query-rx-filter", card);
    if (domain->guest.get() != guest || answer.size() == 0) co_return;
    auto apply = [tap, filter = ParseRxFilter(answer.at(0))] { Apply(tap, filter); };
    co_await Offload(std::move(apply));
  } catch (const Error& error) {
    LogWarn(kSource, "'{}' does not let in what '{}' of '{}' does: {}", tap, alias, domain->name(), error.message);
  }
}

}  // namespace

Task<> FollowRxFilters(std::shared_ptr<Domain> domain) {
  std::vector<std::pair<std::string, std::string>> cards;
  for (auto& net : domain->def().interfaces) {
    if (Follows(*net)) cards.emplace_back(net->info.alias, net->target.dev);
  }
  auto* guest = domain->guest.get();
  for (auto& [alias, tap] : cards) {
    if (domain->guest.get() == guest) co_await Follow(domain, alias, tap);
  }
}

Task<> FollowRxFilter(std::shared_ptr<Domain> domain, std::string alias) {
  try {
    auto turn = co_await domain->jobs.Begin(Job::kModify, "processNicRxFilterChangedEvent");
    if (!domain->active() || !domain->guest || domain->guest->ended) co_return;
    for (auto& net : domain->def().interfaces) {
      if (net->info.alias != alias || !Follows(*net)) continue;
      std::string tap = net->target.dev;
      co_await Follow(domain, alias, tap);
      co_return;
    }
  } catch (const Error& error) {
    LogWarn(kSource, "cannot follow '{}' of '{}': {}", alias, domain->name(), error.message);
  }
}

}  // namespace bv::qemu
