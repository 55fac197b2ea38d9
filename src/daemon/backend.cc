#include "daemon/backend.h"

#include <algorithm>

#include "rpc/api.h"

namespace bv {

namespace {

constexpr Backend kBackends[] = {
    {"qemu", "virtqemud", true},         {"xen", "virtxend", true},
    {"lxc", "virtlxcd", true},           {"vbox", "virtvboxd", true},
    {"bhyve", "virtbhyved", true},       {"interface", "virtinterfaced", false},
    {"network", "virtnetworkd", false},  {"nodedev", "virtnodedevd", false},
    {"nwfilter", "virtnwfilterd", false}, {"secret", "virtsecretd", false},
    {"storage", "virtstoraged", false},
};

// Parts of the API that have a daemon of their own.
struct Part {
  ErrorDomain domain;
  std::string_view scheme;
};
constexpr Part kParts[] = {
    {ErrorDomain::kInterface, "interface"}, {ErrorDomain::kNetwork, "network"}, {ErrorDomain::kNodedev, "nodedev"},
    {ErrorDomain::kNwfilter, "nwfilter"},   {ErrorDomain::kSecret, "secret"},   {ErrorDomain::kStorage, "storage"},
};

// Handing a host device to a guest and taking it back is the hypervisor's doing.
constexpr std::string_view kHypervisorsOwn[] = {"NodeDeviceDettach", "NodeDeviceDetachFlags", "NodeDeviceReAttach",
                                                "NodeDeviceReset"};

}  // namespace

std::span<const Backend> Backends() { return kBackends; }

const Backend* FindBackend(std::string_view scheme) {
  auto found = std::ranges::find(kBackends, scheme, &Backend::scheme);
  return found == std::end(kBackends) ? nullptr : found;
}

const Backend* BackendOf(const rpc::Program& program, const rpc::Procedure& procedure) {
  if (std::ranges::find(kHypervisorsOwn, procedure.info->name) != std::end(kHypervisorsOwn)) return nullptr;
  auto part = std::ranges::find(kParts, rpc::ApiDomain(program, procedure), &Part::domain);
  return part == std::end(kParts) ? nullptr : FindBackend(part->scheme);
}

}  // namespace bv
