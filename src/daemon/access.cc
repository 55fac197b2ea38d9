#include "daemon/access.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "daemon/access_definitions.h"
#include "daemon/access_lists.h"
#include "daemon/access_objects.h"
#include "daemon/connection.h"
#include "protocol/remote.h"
#include "rpc/api.h"
#include "rpc/xdr_codec.h"

namespace bv {

namespace {

using access::Object;
using access::ObjectKind;
using access::PlainList;
using rpc::Permission;

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

template <typename Proc>
bool Is(const Call& call) {
  return &call.procedure() == Proc::program().Find(Proc::info.number);
}

std::string DriverName(Call& call) {
  if (Is<remote::proc::ConnectOpen>(call)) {
    return DriverName(static_cast<const remote::ConnectOpenArgs*>(call.args())->name.value_or(""));
  }
  return DriverName(call.client().State<OpenConnection>().uri);
}

std::string ActionOf(Permission permission) {
  std::string action = fmt::format("org.libvirt.api.{}.{}", rpc::ObjectName(permission), rpc::PermissionName(permission));
  std::ranges::replace(action, '_', '-');
  return action;
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

Task<> Require(Call& call, Permission permission, PolkitDetails details) {
  std::string driver = details.front().second;
  bool allowed = co_await Allows(call.client(), permission, std::move(details));
  if (!allowed) throw Error(ErrorDomain::kAccess, ErrorCode::kAccessDenied, fmt::format("'{}' denied access", driver));
}

Task<bool> MaySee(Call& call, const ObjectKind& kind, const void* object) {
  for (const rpc::AclRow& row : call.procedure().info->filter) {
    PolkitDetails details{{"connect_driver", DriverName(call)}};
    kind.describe(details, object);
    bool allowed = co_await Allows(call.client(), row.need, std::move(details));
    if (!allowed) co_return false;
  }
  co_return true;
}

// --- lists ---------------------------------------------------------------------------------------

// The member of a listing's answer that holds objects; null kind when there is none.
struct ObjectList {
  const xdr::Field* field = nullptr;
  const ObjectKind* kind = nullptr;
};

ObjectList FindObjectList(const xdr::Type* ret) {
  for (std::uint32_t i = 0; ret && i < ret->field_count; ++i) {
    const xdr::Field& field = ret->fields[i];
    if (field.type->kind != xdr::Kind::kList) continue;
    if (const ObjectKind* kind = access::FindKind(field.type->element)) return {&field, kind};
  }
  return {};
}

const void* Element(const xdr::Type& list_type, void* list, std::size_t index) {
  return static_cast<const char*>(list_type.ops.data(list)) + index * list_type.element->size;
}

// Takes the objects out of a list that the client may not see; a count beside the list follows it.
Task<> FilterObjects(Call& call, ObjectList in, const xdr::Type& type, void* ret) {
  void* list = access::At(ret, *in.field);
  const xdr::Type& list_type = *in.field->type;
  std::size_t before = list_type.ops.count(list);
  for (std::size_t index = before; index-- > 0;) {
    bool allowed = co_await MaySee(call, *in.kind, Element(list_type, list, index));
    if (!allowed) in.kind->erase(list, index);
  }
  const xdr::Field* next = in.field + 1;
  if (next == type.fields + type.field_count || next->type->kind != xdr::Kind::kInt32) co_return;
  auto* count = static_cast<std::uint32_t*>(access::At(ret, *next));
  if (*count == before) *count = static_cast<std::uint32_t>(list_type.ops.count(list));
}

// How the objects are got that a plain list (of names, of numbers, or a count) is made of.
struct Listing {
  const rpc::Procedure* all;
  std::shared_ptr<void> args;
  std::size_t max = SIZE_MAX;  // entries that the client wants
};

std::uint32_t* Word(void* args, std::uint32_t offset) {
  return reinterpret_cast<std::uint32_t*>(static_cast<char*>(args) + offset);
}

// In the arguments of procedures that list objects, the member before the flags says whether the
// client wants the objects or just their number, which is not known before they were filtered.
void WantObjects(const rpc::Procedure& procedure, void* args) {
  if (procedure.flags_offset != rpc::Procedure::kNoOffset) *Word(args, procedure.flags_offset - 4u) = 1;
}

Listing PrepareListing(const PlainList& row, const rpc::Procedure& procedure, void* args) {
  Listing listing{.all = remote::kProgram.Find(row.all), .args = {}};
  const xdr::Type& type = *listing.all->args;
  listing.args = std::shared_ptr<void>(type.ops.make(), type.ops.destroy);
  WantObjects(*listing.all, listing.args.get());
  *Word(listing.args.get(), listing.all->flags_offset) = row.flags;
  for (std::uint32_t i = 0; procedure.args && i < procedure.args->field_count; ++i) {
    const xdr::Field& field = procedure.args->fields[i];
    void* value = access::At(args, field);
    if (field.type->kind == xdr::Kind::kOptional && field.type->ops.count(value)) {
      auto* capability = static_cast<const std::string*>(field.type->ops.data(value));
      *Word(listing.args.get(), listing.all->flags_offset) = access::NodeDeviceFlag(capability->c_str());
    } else if (field.type->kind == xdr::Kind::kInt32 && field.offset != procedure.flags_offset) {
      listing.max = *static_cast<const std::uint32_t*>(value);
    } else if (access::FindKind(field.type)) {
      *static_cast<remote::NonnullStoragePool*>(access::At(listing.args.get(), type.fields[0])) =
          *static_cast<const remote::NonnullStoragePool*>(value);
    }
  }
  return listing;
}

// Makes a plain list's answer anew, from the objects that the client may see.
Task<> MakePlainList(Service& service, Call& call, Listing listing, void* ret) {
  const xdr::Type& all_type = *listing.all->ret;
  std::shared_ptr<void> all(all_type.ops.make(), all_type.ops.destroy);
  ObjectList objects = FindObjectList(&all_type);
  std::function<void(void*)> take = [&](void* value) {
    rpc::Buffer copy;
    xdr::Encode(all_type, value, copy);
    xdr::Decode(all_type, copy.bytes(), all.get());
  };
  co_await service.Invoke(call, remote::kProgram, listing.all->info->number, listing.args.get(), std::move(take));
  co_await FilterObjects(call, objects, all_type, all.get());

  void* list = access::At(all.get(), *objects.field);
  const xdr::Type& list_type = *objects.field->type;
  std::size_t count = std::min(list_type.ops.count(list), listing.max);
  const xdr::Field& answer = call.procedure().ret->fields[0];
  if (answer.type->kind == xdr::Kind::kInt32) {
    *static_cast<std::int32_t*>(access::At(ret, answer)) = static_cast<std::int32_t>(count);
    co_return;
  }
  void* plain = access::At(ret, answer);
  answer.type->ops.resize(plain, count);
  for (std::size_t i = 0; i < count; ++i) {
    const void* object = Element(list_type, list, i);
    void* entry = const_cast<void*>(Element(*answer.type, plain, i));
    if (answer.type->element->kind == xdr::Kind::kString) {
      *static_cast<std::string*>(entry) = objects.kind->listed_as(object);
    } else {
      *static_cast<std::int32_t*>(entry) = static_cast<const remote::NonnullDomain*>(object)->id;
    }
  }
}

// --- calls ---------------------------------------------------------------------------------------

// What there is to do with a handler's answer.
struct Afterwards {
  std::vector<Permission> needs;  // permissions on the object that was looked up
  std::optional<Listing> listing;
};

Task<> CheckResult(Service& service, Call& call, Afterwards todo, void* ret) {
  const xdr::Type* type = call.procedure().ret;
  for (Permission need : todo.needs) {
    PolkitDetails details{{"connect_driver", DriverName(call)}};
    Object found = access::FindObject(*type, ret);
    if (found.kind) found.kind->describe(details, found.value);
    co_await Require(call, need, std::move(details));
  }
  if (todo.listing) {
    co_await MakePlainList(service, call, std::move(*todo.listing), ret);
  } else if (call.procedure().info->filter.size() > 0) {
    if (ObjectList list = FindObjectList(type); list.kind) co_await FilterObjects(call, list, *type, ret);
  }
}

// Answered by the daemon itself, before there is a driver to protect.
bool AsksTheDaemon(Call& call) {
  return Is<remote::proc::ConnectSupportsFeature>(call) &&
         IsFeatureOfTheDaemon(static_cast<const remote::ConnectSupportsFeatureArgs*>(call.args())->feature);
}

Task<> CheckCall(Service& service, Call& call) {
  const rpc::Procedure& procedure = call.procedure();
  const rpc::ProcedureInfo& info = *procedure.info;
  if (info.preauth || call.client().identity().uid == 0u || AsksTheDaemon(call)) co_return;
  void* args = const_cast<void*>(call.args());
  Object object;
  if (procedure.args) object = access::FindObject(*procedure.args, args);
  bool resolved = false;
  std::optional<access::Definition> definition;
  Afterwards todo;
  for (const rpc::AclRow& row : info.acl) {
    if (!rpc::Applies(row, procedure, args)) continue;
    std::string_view about = rpc::ObjectName(row.need);
    PolkitDetails details{{"connect_driver", DriverName(call)}};
    if (about != "connect") {
      bool given = object.kind && object.kind->name == about;
      if (!given && rpc::PermissionName(row.need) == "getattr" && procedure.ret && access::HasObject(*procedure.ret, about)) {
        todo.needs.push_back(row.need);
        continue;
      }
      if (object.kind && !std::exchange(resolved, true)) co_await object.kind->resolve(service, call, object.value);
      if (object.kind) object.kind->describe(details, object.value);
      if (!given && !definition) definition = co_await access::FindDefinition(service, call);
      if (!given) access::Describe(details, about, *definition);
    }
    co_await Require(call, row.need, std::move(details));
  }
  if (const PlainList* row = access::FindPlainList(procedure)) {
    todo.listing = PrepareListing(*row, procedure, args);
  } else if (info.filter.size() > 0 && FindObjectList(procedure.ret).kind) {
    WantObjects(procedure, args);
  }
  if (todo.needs.empty() && info.filter.size() == 0) co_return;
  call.OnResult([&service, &call, todo](void* ret) { return CheckResult(service, call, todo, ret); });
}

// --- events --------------------------------------------------------------------------------------

std::function<Task<bool>()> CheckEvent(ClientSession& client, const rpc::Procedure& procedure, const void* message) {
  if (client.identity().uid == 0u || !procedure.msg) return nullptr;
  Object about = access::FindObject(*procedure.msg, const_cast<void*>(message));
  if (!about.kind) return nullptr;
  PolkitDetails details{{"connect_driver", DriverName(client.State<OpenConnection>().uri)}};
  about.kind->describe(details, about.value);
  Permission see = about.kind->see;
  return [&client, see, details] { return Allows(client, see, details); };
}

}  // namespace

void EnableAccessControl(Service& service) {
  service.set_check([&service](Call& call) { return CheckCall(service, call); });
  service.set_event_check(&CheckEvent);
}

}  // namespace bv
