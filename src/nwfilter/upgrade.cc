// The part of NwfilterDriver that goes from one process image to the next: filters and bindings are in files,
// and the kernel keeps the rules.
//
// In the state, besides what ObjectDriver has there: "nwfilter": { "addresses": [ { "interface", "address" } ] }

#include "base/json.h"
#include "nwfilter/nwfilter_driver.h"

namespace bv::nwfilter {

Json NwfilterDriver::SaveMore(upgrade::PassedFds&) const {
  Json addresses = Json::Array();
  for (auto& [interface, binding] : bindings_.all()) {
    for (const std::string& address : binding->addresses) {
      addresses.Append(Json::Object({{"interface", interface}, {"address", address}}));
    }
  }
  return Json::Object({{"addresses", addresses}});
}

void NwfilterDriver::RestoreMore(const Json& ours, upgrade::InheritedFds&) {
  for (const Json& entry : ours.Find("addresses").elements()) {
    std::string interface(entry.Find("interface").AsString().value_or(""));
    inherited_addresses_[interface].emplace_back(entry.Find("address").AsString().value_or(""));
  }
}

}  // namespace bv::nwfilter
