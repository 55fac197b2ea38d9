#include "qemu/net_filters.h"

#include "base/error.h"
#include "base/log.h"
#include "daemon/filter_bindings.h"
#include "model/nwfilter/binding.h"

namespace bv::qemu {

std::vector<std::string> FilteredInterfaces(const model::DomainDef& def) {
  std::vector<std::string> names;
  for (auto& net : def.interfaces) {
    if (net->filter && !net->target.dev.empty()) names.push_back(net->target.dev);
  }
  return names;
}

Task<> BindFilter(std::string domain, Uuid domain_uuid, const model::Interface& net) {
  if (!net.filter) co_return;
  FilterBindings& bindings = FilterBindings::Get();
  model::FilterBinding binding;
  binding.owner_name = std::move(domain);
  binding.owner_uuid = domain_uuid;
  binding.port_dev = net.target.dev;
  if (net.mac) binding.mac = *net.mac;
  binding.filter = *net.filter;
  // One that a guest has left whose daemon died is nobody's.
  co_await bindings.DeleteBinding(binding.port_dev);
  std::string xml = model::FormatFilterBinding(binding);
  co_await bindings.CreateBinding(xml);
}

Task<> UnbindFilters(std::vector<std::string> interfaces) {
  FilterBindings& bindings = FilterBindings::Get();
  for (std::string& interface : interfaces) {
    try {
      co_await bindings.DeleteBinding(interface);
    } catch (const Error& e) {
      LogError("qemu.qemu_driver", "Cannot lift the filter of {}: {}", interface, e.what());
    }
  }
}

}  // namespace bv::qemu
