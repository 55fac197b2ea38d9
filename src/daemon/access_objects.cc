#include "daemon/access_objects.h"

#include "protocol/remote.h"
#include "rpc/xdr_describe.h"

namespace bv::access {

namespace {

using rpc::Permission;

// --- details -------------------------------------------------------------------------------------

void Add(PolkitDetails& to, const remote::NonnullDomain& domain) {
  to.emplace_back("domain_name", domain.name);
  to.emplace_back("domain_uuid", domain.uuid.ToString());
}
void Add(PolkitDetails& to, const remote::NonnullDomainSnapshot& snapshot) { Add(to, snapshot.dom); }
void Add(PolkitDetails& to, const remote::NonnullDomainCheckpoint& checkpoint) { Add(to, checkpoint.dom); }
void Add(PolkitDetails& to, const remote::DomainStatsRecord& record) { Add(to, record.dom); }
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
  // By virSecretUsageType: none, volume, ceph, iscsi, tls. libvirt does not tell a vtpm's.
  constexpr const char* kUsage[] = {nullptr, "secret_usage_volume", "secret_usage_ceph", "secret_usage_target",
                                    "secret_usage_name"};
  to.emplace_back("secret_uuid", secret.uuid.ToString());
  if (secret.usageType > 0 && secret.usageType < static_cast<int>(std::size(kUsage))) {
    to.emplace_back(kUsage[secret.usageType], secret.usageID);
  }
}

// --- what the drivers know -----------------------------------------------------------------------

// By the argument and the answer of a look-up procedure.
template <typename Proc, auto kArgument, auto kKey, auto kAnswer, typename T>
Task<> LookUp(Service& service, Call& call, T& object) {
  typename Proc::Args args;
  args.*kArgument = object.*kKey;
  auto ret = co_await Ask<Proc>(service, call, std::move(args));
  object = std::move(ret.*kAnswer);
}

Task<> Resolve(Service& service, Call& call, remote::NonnullDomain& domain) {
  using Proc = remote::proc::DomainLookupByUuid;
  return LookUp<Proc, &Proc::Args::uuid, &remote::NonnullDomain::uuid, &Proc::Ret::dom>(service, call, domain);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullDomainSnapshot& snapshot) {
  return Resolve(service, call, snapshot.dom);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullDomainCheckpoint& checkpoint) {
  return Resolve(service, call, checkpoint.dom);
}
Task<> Resolve(Service& service, Call& call, remote::DomainStatsRecord& record) {
  return Resolve(service, call, record.dom);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullNetwork& network) {
  using Proc = remote::proc::NetworkLookupByUuid;
  return LookUp<Proc, &Proc::Args::uuid, &remote::NonnullNetwork::uuid, &Proc::Ret::net>(service, call, network);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullNetworkPort& port) {
  using Proc = remote::proc::NetworkPortLookupByUuid;
  Proc::Args args;
  args.network = port.net;
  args.uuid = port.uuid;
  co_await Resolve(service, call, args.network);
  auto ret = co_await Ask<Proc>(service, call, std::move(args));
  port = std::move(ret.port);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullNwfilter& filter) {
  using Proc = remote::proc::NwfilterLookupByUuid;
  return LookUp<Proc, &Proc::Args::uuid, &remote::NonnullNwfilter::uuid, &Proc::Ret::nwfilter>(service, call, filter);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullNwfilterBinding& binding) {
  using Proc = remote::proc::NwfilterBindingLookupByPortDev;
  return LookUp<Proc, &Proc::Args::name, &remote::NonnullNwfilterBinding::portdev, &Proc::Ret::nwfilter>(service, call, binding);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullInterface& interface) {
  using Proc = remote::proc::InterfaceLookupByName;
  return LookUp<Proc, &Proc::Args::name, &remote::NonnullInterface::name, &Proc::Ret::iface>(service, call, interface);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullStoragePool& pool) {
  using Proc = remote::proc::StoragePoolLookupByUuid;
  return LookUp<Proc, &Proc::Args::uuid, &remote::NonnullStoragePool::uuid, &Proc::Ret::pool>(service, call, pool);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullStorageVol& volume) {
  remote::StoragePoolLookupByNameArgs pool;
  pool.name = volume.pool;
  auto found = co_await Ask<remote::proc::StoragePoolLookupByName>(service, call, std::move(pool));
  remote::StorageVolLookupByNameArgs args;
  args.pool = std::move(found.pool);
  args.name = volume.name;
  auto ret = co_await Ask<remote::proc::StorageVolLookupByName>(service, call, std::move(args));
  volume = std::move(ret.vol);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullNodeDevice& device) {
  using Proc = remote::proc::NodeDeviceLookupByName;
  return LookUp<Proc, &Proc::Args::name, &remote::NonnullNodeDevice::name, &Proc::Ret::dev>(service, call, device);
}
Task<> Resolve(Service& service, Call& call, remote::NonnullSecret& secret) {
  using Proc = remote::proc::SecretLookupByUuid;
  return LookUp<Proc, &Proc::Args::uuid, &remote::NonnullSecret::uuid, &Proc::Ret::secret>(service, call, secret);
}

template <typename T>
std::string ListedAs(const T& object) {
  if constexpr (requires { object.name; }) return object.name;
  if constexpr (requires { object.uuid; }) return object.uuid.ToString();
  return {};
}

template <typename T>
constexpr ObjectKind Kind(std::string_view name, Permission see) {
  return {&xdr::kType<T>, name, see,
          [](PolkitDetails& to, const void* object) { Add(to, *static_cast<const T*>(object)); },
          [](Service& service, Call& call, void* object) { return Resolve(service, call, *static_cast<T*>(object)); },
          [](const void* object) { return ListedAs(*static_cast<const T*>(object)); },
          [](void* list, std::size_t index) {
            // xdr::List<T, N> is a vector for every N.
            auto& elements = *static_cast<std::vector<T>*>(list);
            elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(index));
          }};
}

constexpr ObjectKind kObjects[] = {
    Kind<remote::NonnullDomain>("domain", Permission::kDomainGetattr),
    Kind<remote::NonnullDomainSnapshot>("domain", Permission::kDomainGetattr),
    Kind<remote::NonnullDomainCheckpoint>("domain", Permission::kDomainGetattr),
    Kind<remote::DomainStatsRecord>("domain", Permission::kDomainGetattr),
    Kind<remote::NonnullNetwork>("network", Permission::kNetworkGetattr),
    Kind<remote::NonnullNetworkPort>("network_port", Permission::kNetworkPortGetattr),
    Kind<remote::NonnullNwfilter>("nwfilter", Permission::kNwfilterGetattr),
    Kind<remote::NonnullNwfilterBinding>("nwfilter_binding", Permission::kNwfilterBindingGetattr),
    Kind<remote::NonnullInterface>("interface", Permission::kInterfaceGetattr),
    Kind<remote::NonnullStoragePool>("storage_pool", Permission::kStoragePoolGetattr),
    Kind<remote::NonnullStorageVol>("storage_vol", Permission::kStorageVolGetattr),
    Kind<remote::NonnullNodeDevice>("node_device", Permission::kNodeDeviceGetattr),
    Kind<remote::NonnullSecret>("secret", Permission::kSecretGetattr),
};

}  // namespace

const ObjectKind* FindKind(const xdr::Type* type) {
  for (const ObjectKind& kind : kObjects) {
    if (kind.type == type) return &kind;
  }
  return nullptr;
}

Object FindObject(const xdr::Type& type, void* value) {
  if (const ObjectKind* kind = FindKind(&type)) return {kind, value};
  if (type.kind == xdr::Kind::kOptional && type.ops.count(value)) return FindObject(*type.element, type.ops.data(value));
  if (type.kind != xdr::Kind::kStruct) return {};
  for (std::uint32_t i = 0; i < type.field_count; ++i) {
    if (Object found = FindObject(*type.fields[i].type, At(value, type.fields[i])); found.kind) return found;
  }
  return {};
}

bool HasObject(const xdr::Type& type, std::string_view name) {
  if (const ObjectKind* kind = FindKind(&type)) return kind->name == name;
  if (type.kind == xdr::Kind::kOptional) return HasObject(*type.element, name);
  if (type.kind != xdr::Kind::kStruct) return false;
  for (std::uint32_t i = 0; i < type.field_count; ++i) {
    if (HasObject(*type.fields[i].type, name)) return true;
  }
  return false;
}

}  // namespace bv::access
