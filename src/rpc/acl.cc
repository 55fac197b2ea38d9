#include "rpc/acl.h"

namespace bv::rpc {

namespace {

struct Names {
  const char* object;
  const char* permission;
};

constexpr Names kNames[] = {
    {"", ""},
    {"connect", "detect_storage_pools"},
    {"connect", "getattr"},
    {"connect", "interface_transaction"},
    {"connect", "pm_control"},
    {"connect", "read"},
    {"connect", "search_domains"},
    {"connect", "search_interfaces"},
    {"connect", "search_networks"},
    {"connect", "search_node_devices"},
    {"connect", "search_nwfilter_bindings"},
    {"connect", "search_nwfilters"},
    {"connect", "search_secrets"},
    {"connect", "search_storage_pools"},
    {"connect", "write"},
    {"domain", "block_read"},
    {"domain", "block_write"},
    {"domain", "checkpoint"},
    {"domain", "core_dump"},
    {"domain", "delete"},
    {"domain", "fs_freeze"},
    {"domain", "fs_trim"},
    {"domain", "getattr"},
    {"domain", "hibernate"},
    {"domain", "init_control"},
    {"domain", "inject_nmi"},
    {"domain", "mem_read"},
    {"domain", "migrate"},
    {"domain", "open_device"},
    {"domain", "open_graphics"},
    {"domain", "open_namespace"},
    {"domain", "pm_control"},
    {"domain", "read"},
    {"domain", "read_secure"},
    {"domain", "reset"},
    {"domain", "save"},
    {"domain", "screenshot"},
    {"domain", "send_input"},
    {"domain", "send_signal"},
    {"domain", "set_password"},
    {"domain", "set_time"},
    {"domain", "snapshot"},
    {"domain", "start"},
    {"domain", "stop"},
    {"domain", "suspend"},
    {"domain", "write"},
    {"interface", "delete"},
    {"interface", "getattr"},
    {"interface", "read"},
    {"interface", "save"},
    {"interface", "start"},
    {"interface", "stop"},
    {"interface", "write"},
    {"network", "delete"},
    {"network", "getattr"},
    {"network", "read"},
    {"network", "save"},
    {"network", "search_ports"},
    {"network", "start"},
    {"network", "stop"},
    {"network", "write"},
    {"network_port", "create"},
    {"network_port", "delete"},
    {"network_port", "getattr"},
    {"network_port", "read"},
    {"network_port", "write"},
    {"node_device", "delete"},
    {"node_device", "detach"},
    {"node_device", "getattr"},
    {"node_device", "read"},
    {"node_device", "start"},
    {"node_device", "stop"},
    {"node_device", "write"},
    {"nwfilter", "delete"},
    {"nwfilter", "getattr"},
    {"nwfilter", "read"},
    {"nwfilter", "save"},
    {"nwfilter", "write"},
    {"nwfilter_binding", "create"},
    {"nwfilter_binding", "delete"},
    {"nwfilter_binding", "getattr"},
    {"nwfilter_binding", "read"},
    {"secret", "delete"},
    {"secret", "getattr"},
    {"secret", "read"},
    {"secret", "read_secure"},
    {"secret", "save"},
    {"secret", "write"},
    {"storage_pool", "delete"},
    {"storage_pool", "format"},
    {"storage_pool", "getattr"},
    {"storage_pool", "read"},
    {"storage_pool", "refresh"},
    {"storage_pool", "save"},
    {"storage_pool", "search_storage_vols"},
    {"storage_pool", "start"},
    {"storage_pool", "stop"},
    {"storage_pool", "write"},
    {"storage_vol", "create"},
    {"storage_vol", "data_read"},
    {"storage_vol", "data_write"},
    {"storage_vol", "delete"},
    {"storage_vol", "format"},
    {"storage_vol", "getattr"},
    {"storage_vol", "read"},
    {"storage_vol", "resize"},
};
static_assert(std::size(kNames) == static_cast<size_t>(Permission::kStorageVolResize) + 1);

}  // namespace

std::string_view ObjectName(Permission permission) { return kNames[static_cast<size_t>(permission)].object; }

std::string_view PermissionName(Permission permission) { return kNames[static_cast<size_t>(permission)].permission; }

bool ReadOnlyAllows(Permission permission) {
  std::string_view name = PermissionName(permission);
  return name.empty() || name == "getattr" || name == "read" || name.starts_with("search_");
}

}  // namespace bv::rpc
