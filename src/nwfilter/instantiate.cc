// The part of NwfilterDriver that makes rules of bindings, and learns what these need to know.

#include <net/if.h>
#include <strings.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "nwfilter/nwfilter_driver.h"
#include "nwfilter/table.h"

namespace bv::nwfilter {

namespace {

constexpr char kAddress[] = "IP", kMac[] = "MAC", kLearning[] = "CTRL_IP_LEARNING", kServers[] = "DHCPSERVER";
// The original has rules for an interface whose address it learns some while after it answered that there is
// a binding; who looks right after the answer finds none.
constexpr auto kBeforeLearning = std::chrono::milliseconds(200);

bool SameWord(const std::string& a, const char* b) { return strcasecmp(a.c_str(), b) == 0; }

std::string MacText(const model::MacAddress& mac) {
  char text[18];
  return std::string(mac.FormatTo(text));
}

Variables VariablesOf(const Binding& binding) {
  Variables variables = ToVariables(binding.def.filter.parameters);
  if (!binding.addresses.empty()) variables.try_emplace(kAddress, binding.addresses);
  return variables;
}

[[noreturn]] void ThrowMissing(const std::set<std::string>& missing) {
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError,
              "Cannot instantiate filter due to unresolvable variables or unavailable list elements: " + names);
}

}  // namespace

FindFilter NwfilterDriver::Finder() const {
  return [this](const std::string& name) { return filters_.Find(name); };
}

Task<> NwfilterDriver::Instantiate(Binding& binding) {
  const std::string interface = binding.def.port_dev;
  // An interface that is not there has no rules; they come when it does, and the filters are looked at again.
  if (if_nametoindex(interface.c_str()) == 0) co_return;
  auto& parameters = binding.def.filter.parameters;
  if (std::ranges::find(parameters, kMac, &model::FilterParameter::name) == parameters.end()) {
    auto after = std::ranges::upper_bound(parameters, kMac, {}, &model::FilterParameter::name);
    parameters.insert(after, {kMac, MacText(binding.def.mac)});
  }
  const std::string& filter = binding.def.filter.filter;
  Variables variables = VariablesOf(binding);
  std::set<std::string> missing = Missing(Finder(), filter, variables);
  if (missing.empty()) {
    InterfaceRules rules = MakeRules(Finder(), filter, interface, variables);
    co_await Apply(interface, std::move(rules));
    // Leases end, so what is known by DHCP is watched on.
    if (binding.watch && binding.watch->from() == LearnFrom::kAnything) binding.watch.reset();
    co_return;
  }
  if (missing.size() != 1 || *missing.begin() != kAddress) ThrowMissing(missing);
  std::string mode = variables.contains(kLearning) ? variables.at(kLearning).front() : "any";
  if (SameWord(mode, "none")) ThrowMissing(missing);
  co_await Learn(binding, mode);
}

Task<> NwfilterDriver::Learn(Binding& binding, std::string mode) {
  const std::string interface = binding.def.port_dev;
  if (SameWord(mode, "dhcp")) {
    Variables variables = VariablesOf(binding);
    std::vector<std::string> servers;
    if (variables.contains(kServers)) servers = variables.at(kServers);
    std::string mac = MacText(binding.def.mac);
    InterfaceRules rules = RulesForDhcp(interface, mac, servers);
    co_await Apply(interface, std::move(rules));
    co_await BeginWatch(interface, LearnFrom::kDhcp);
  } else if (SameWord(mode, "any")) {
    WatchLater(interface, LearnFrom::kAnything);
  } else {
    throw Error(ErrorDomain::kNwfilter, ErrorCode::kParseFailed,
                "filter '" + binding.def.filter.filter + "' learning value '" + mode + "' invalid.");
  }
}

void NwfilterDriver::WatchLater(std::string interface, LearnFrom from) {
  auto work = [](NwfilterDriver* self, std::shared_ptr<bool> alive, std::string name, LearnFrom source) -> Task<> {
    co_await Sleep(kBeforeLearning);
    if (!*alive) co_return;
    try {
      auto turn = co_await self->BeginChange();
      Binding* binding = self->bindings_.Find(name);
      // Gone again, or there is all that it needs by now.
      if (!binding || binding->watch || !binding->addresses.empty()) co_return;
      if (Missing(self->Finder(), binding->def.filter.filter, VariablesOf(*binding)).empty()) co_return;
      std::string mac = MacText(binding->def.mac);
      InterfaceRules rules = RulesWhileLearning(name, mac);
      co_await Apply(name, std::move(rules));
      co_await self->BeginWatch(name, source);
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot learn the address of the guest on {}: {}", name, e.what());
    }
  };
  Spawn(work(this, alive_, std::move(interface), from), "address learning");
}

Task<> NwfilterDriver::BeginWatch(std::string interface, LearnFrom from) {
  auto open = [interface, from] { return std::make_shared<Fd>(AddressWatch::Open(interface, from)); };
  std::shared_ptr<Fd> socket = co_await Offload(open);
  Binding* binding = bindings_.Find(interface);
  if (!binding) co_return;
  auto tell = [this, interface](LearnedAddress learned) { Spawn(Learned(interface, std::move(learned)), "learned address"); };
  binding->watch = std::make_unique<AddressWatch>(std::move(*socket), binding->def.mac, from, tell);
}

Task<> NwfilterDriver::Learned(std::string interface, LearnedAddress learned) {
  try {
    auto turn = co_await BeginChange();
    Binding* binding = bindings_.Find(interface);
    if (!binding || !binding->watch) co_return;
    Variables variables = VariablesOf(*binding);
    if (!learned.server.empty() && variables.contains(kServers)) {
      auto& servers = variables.at(kServers);
      if (std::ranges::find(servers, learned.server) == servers.end()) co_return;
    }
    if (binding->addresses == std::vector{learned.address}) co_return;
    std::vector<std::string> before = std::move(binding->addresses);
    binding->addresses = {learned.address};
    std::exception_ptr failure;
    try {
      co_await Instantiate(*binding);
    } catch (const Error&) {
      failure = std::current_exception();
    }
    if (!failure) co_return;
    binding->addresses = std::move(before);
    std::rethrow_exception(failure);
  } catch (const Error& e) {
    LogError("nwfilter", "Cannot filter {} by the address {}: {}", interface, learned.address, e.what());
  }
}

Task<> NwfilterDriver::InstantiateAll(std::string filter, std::function<void()> undo) {
  std::vector<std::string> affected, changed;
  for (auto& [interface, binding] : bindings_.all()) {
    if (filter.empty() || filters_.Reaches(binding->def.filter.filter, filter)) affected.push_back(interface);
  }
  std::exception_ptr failure;
  for (const std::string& interface : affected) {
    try {
      changed.push_back(interface);
      co_await Instantiate(bindings_.Get(interface));
    } catch (const Error&) {
      failure = std::current_exception();
      break;
    }
  }
  if (!failure) co_return;
  undo();
  changed.pop_back();
  for (const std::string& interface : changed) {
    try {
      co_await Instantiate(bindings_.Get(interface));
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot bring back the rules of {}: {}", interface, e.what());
    }
  }
  std::rethrow_exception(failure);
}

// A file that goes against what there is, is logged; what has gone from the disk stays.
Task<> NwfilterDriver::ReadEverything(bool bindings_too) {
  auto read = [directory = filters_.directory()] { return FilterStore::ReadFiles(directory); };
  std::vector<FilterPtr> found = co_await Offload(read);
  for (FilterPtr& filter : found) {
    try {
      filters_.CheckDefinition(*filter);
      filters_.Put(std::move(filter));
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot take the filter {}: {}", filter->name, e.what());
    }
  }
  if (bindings_too) {
    auto read_bindings = [directory = bindings_.directory()] { return BindingStore::ReadFiles(directory); };
    std::vector<model::FilterBinding> left = co_await Offload(read_bindings);
    for (model::FilterBinding& def : left) {
      if (bindings_.Find(def.port_dev)) continue;
      Binding& binding = bindings_.Put(std::move(def));
      auto known = inherited_addresses_.find(binding.def.port_dev);
      if (known != inherited_addresses_.end()) binding.addresses = known->second;
    }
    inherited_addresses_.clear();
  }
  std::vector<std::string> interfaces;
  for (auto& [interface, binding] : bindings_.all()) interfaces.push_back(interface);
  for (const std::string& interface : interfaces) {
    try {
      co_await Instantiate(bindings_.Get(interface));
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot filter {}: {}", interface, e.what());
    }
  }
}

}  // namespace bv::nwfilter
