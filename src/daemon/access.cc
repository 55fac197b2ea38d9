#include "daemon/access.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "daemon/connection.h"
#include "protocol/remote.h"
#include "rpc/api.h"
#include "rpc/xdr_describe.h"

namespace bv {

namespace {

using rpc::Permission;

// --- objects as details --------------------------------------------------------------------------

void Add(PolkitDetails& to, const remote::NonnullDomain& domain) {
  to.emplace_back("domain_name", domain.name);
  to.emplace_back("domain_uuid", domain.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullDomainSnapshot& snapshot) { Add(to, snapshot.dom); }
void Add(PolkitDetails& to, const remote::NonnullDomainCheckpoint& checkpoint) { Add(to, checkpoint.dom); }
void Add(PolkitDetails& to, const remote::NonnullNetwork& network) {
  to.emplace_back("network_name", network.name);
  to.emplace_back("network_uuid", network.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullNetworkPort& port) {
  Add(to, port.net);
  to.emplace_back("network_port_uuid", port.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullNwfilter& filter) {
  to.emplace_back("nwfilter_name", filter.name);
  to.emplace_back("nwfilter_uuid", filter.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullNwfilterBinding& binding) {
  to.emplace_back("nwfilter_binding_portdev", binding.portdev);
  to.emplace_back("nwfilter_binding_filtername", binding.filtername);
}
void Add(PolkitDetails& to, const remote::NonnullInterface& interface) {
  to.emplace_back("interface_name", interface.name);
  to.emplace_back("interface_macaddr", interface.mac);
}
void Add(PolkitDetails& to, const remote::NonnullStoragePool& pool) {
  to.emplace_back("pool_name", pool.name);
  to.emplace_back("pool_uuid", pool.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullStorageVol& volume) {
  to.emplace_back("pool_name", volume.pool);
  to.emplace_back("vol_name", volume.name);
  to.emplace_back("vol_key", volume.key);
}
void Add(PolkitDetails& to, const remote::NonnullNodeDevice& device) {
  to.emplace_back("node_device_name", device.name);
}
void Add(PolkitDetails& to, const remote::NonnullSecret& secret) {
  // By virSecretUsageType: none, volume, ceph, iscsi, tls, vtpm.
  constexpr const char* kUsage[] = {nullptr, "secret_usage_volume", "secret_usage_ceph", "secret_usage_target",
                                    "secret_usage_name", "secret_usage_name"};
  to.emplace_back("secret_uuid", secret.uuid.ToString());
  if (secret.usageType > 0 && secret.usageType < static_cast<int>(std::size(kUsage))) {
    to.emplace_back(kUsage[secret.usageType], secret.usageID);
  }
}

// One kind of object: how to tell it by its type, its details, and how to drop it from a list.
struct ObjectKind {
  const xdr::Type* type;
  void (*add)(PolkitDetails& to, const void* object);
  void (*erase)(void* list, std::size_t index);
};

template <typename T>
constexpr ObjectKind Kind() {
  return {&xdr::kType<T>, [](PolkitDetails& to, const void* object) { Add(to, *static_cast<const T*>(object)); },
          [](void* list, std::size_t index) {
            // xdr::List<T, N> is a vector for every N.
            auto& elements = *static_cast<std::vector<T>*>(list);
            elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(index));
          }};
}

constexpr ObjectKind kObjects[] = {
    Kind<remote::NonnullDomain>(),      Kind<remote::NonnullDomainSnapshot>(), Kind<remote::NonnullDomainCheckpoint>(),
    Kind<remote::NonnullNetwork>(),     Kind<remote::NonnullNetworkPort>(),    Kind<remote::NonnullNwfilter>(),
    Kind<remote::NonnullNwfilterBinding>(), Kind<remote::NonnullInterface>(),  Kind<remote::NonnullStoragePool>(),
    Kind<remote::NonnullStorageVol>(),  Kind<remote::NonnullNodeDevice>(),     Kind<remote::NonnullSecret>(),
};

const ObjectKind* FindKind(const xdr::Type* type) {
  for (const ObjectKind& kind : kObjects) {
    if (kind.type == type) return &kind;
  }
  return nullptr;
}

const void* At(const void* base, const xdr::Field& field) { return static_cast<const char*>(base) + field.offset; }
void* At(void* base, const xdr::Field& field) { return static_cast<char*>(base) + field.offset; }

// --- questions -----------------------------------------------------------------------------------

// The name that the driver of `uri` has in rules and messages.
std::string DriverName(const std::string& uri) {
  std::string scheme = uri.substr(0, uri.find_first_of(":+"));
  if (scheme == "xen") return "Xen";
  if (scheme == "qemu" || scheme == "lxc" || scheme == "vbox" || scheme == "bhyve") {
    std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  }
  return scheme;
}

std::string DriverName(Call& call) {
  using Open = remote::proc::ConnectOpen;
  if (&call.procedure() == Open::program().Find(Open::info.number)) {
    return DriverName(static_cast<const remote::ConnectOpenArgs*>(call.args())->name.value_or(""));
  }
  return DriverName(call.client().State<OpenConnection>().uri);
}

std::string ActionOf(Permission permission) {
  std::string action = fmt::format("org.libvirt.api.{}.{}", rpc::ObjectName(permission), rpc::PermissionName(permission));
  std::ranges::replace(action, '_', '-');
  return action;
}

PolkitDetails DetailsOf(Call& call) {
  const rpc::Procedure& procedure = call.procedure();
  const void* args = call.args();
  PolkitDetails details{{"connect_driver", DriverName(call)}};
  if (!procedure.args || !args) return details;
  for (std::uint32_t i = 0; i < procedure.args->field_count; ++i) {
    const xdr::Field& field = procedure.args->fields[i];
    if (const ObjectKind* kind = FindKind(field.type)) {
      kind->add(details, At(args, field));
      break;
    }
  }
  return details;
}

Task<bool> Allows(ClientSession& client, Permission permission, PolkitDetails details) {
  std::string action = ActionOf(permission);
  rpc::Identity identity = client.identity();
  try {
    co_await CheckPolkit(std::move(action), std::move(identity), std::move(details), false);
    co_return true;
  } catch (const Error& e) {
    LogDebug("access.access_manager", "{}: {}", ActionOf(permission), e.what());
  }
  co_return false;
}

Task<> CheckCall(Call& call) {
  ClientSession& client = call.client();
  const rpc::ProcedureInfo& info = *call.procedure().info;
  if (info.preauth || client.identity().uid == 0u) co_return;
  for (const rpc::AclRow& row : info.acl) {
    if (!rpc::Applies(row, call.procedure(), call.args())) continue;
    PolkitDetails details = DetailsOf(call);
    bool allowed = co_await Allows(client, row.need, std::move(details));
    if (!allowed) {
      throw Error(ErrorDomain::kAccess, ErrorCode::kAccessDenied, fmt::format("'{}' denied access", DriverName(call)));
    }
  }
}

// Takes the objects out of the reply's lists that the client may not see; a count beside the list
// follows it.
Task<> FilterReply(Call& call, void* ret) {
  ClientSession& client = call.client();
  const rpc::Procedure& procedure = call.procedure();
  if (client.identity().uid == 0u || !procedure.ret) co_return;
  for (std::uint32_t i = 0; i < procedure.ret->field_count; ++i) {
    const xdr::Field& field = procedure.ret->fields[i];
    const ObjectKind* kind = field.type->kind == xdr::Kind::kList ? FindKind(field.type->element) : nullptr;
    if (!kind) continue;
    void* list = At(ret, field);
    std::size_t before = field.type->ops.count(list);
    for (std::size_t index = before; index-- > 0;) {
      for (const rpc::AclRow& row : procedure.info->filter) {
        PolkitDetails details{{"connect_driver", DriverName(call)}};
        kind->add(details, static_cast<char*>(field.type->ops.data(list)) + index * kind->type->size);
        bool allowed = co_await Allows(client, row.need, std::move(details));
        if (allowed) continue;
        kind->erase(list, index);
        break;
      }
    }
    if (i + 1 >= procedure.ret->field_count || procedure.ret->fields[i + 1].type != &xdr::kType<std::uint32_t>) continue;
    auto* count = static_cast<std::uint32_t*>(At(ret, procedure.ret->fields[i + 1]));
    if (*count == before) *count = static_cast<std::uint32_t>(field.type->ops.count(list));
  }
}

}  // namespace

void EnableAccessControl(Service& service) {
  service.set_check(&CheckCall);
  service.set_filter(&FilterReply);
}

}  // namespace bv
