#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/polkit.h"
#include "rpc/service.h"
#include "rpc/xdr_codec.h"

namespace bv::access {

// What permissions are about (all but the connection itself): how a kind of object looks in
// payloads, and what polkit's rules are told of it.
struct ObjectKind {
  const xdr::Type* type;
  std::string_view name;     // as permissions call it: "domain"
  rpc::Permission see;       // what it takes to be told that there is such an object
  void (*describe)(PolkitDetails& to, const void* object);
  // Puts in the place of what a client says of an object what its driver knows: clients may lie.
  // Throws what the driver answers where there is none. Null for objects that are never arguments.
  Task<> (*resolve)(Service& service, Call& call, void* object);
  std::string (*listed_as)(const void* object);  // in lists of names
  void (*erase)(void* list, std::size_t index);  // from an xdr::List of them
};

struct Object {
  const ObjectKind* kind = nullptr;  // null: none found
  void* value = nullptr;
};

const ObjectKind* FindKind(const xdr::Type* type);
// The first object in a payload, or in a member of it that is no list.
Object FindObject(const xdr::Type& type, void* value);

// Whether FindObject() can find one of the kind `name` in such a payload.
bool HasObject(const xdr::Type& type, std::string_view name);

// What the handler of another procedure answers, which works for `call` without its permissions.
template <typename Proc>
Task<typename Proc::Ret> Ask(Service& service, Call& call, typename Proc::Args args) {
  typename Proc::Ret answer;
  co_await service.Invoke(call, Proc::program(), Proc::info.number, &args,
                          [&](void* ret) { answer = std::move(*static_cast<typename Proc::Ret*>(ret)); });
  co_return answer;
}

inline void* At(void* base, const xdr::Field& field) { return static_cast<char*>(base) + field.offset; }
inline const void* At(const void* base, const xdr::Field& field) { return static_cast<const char*>(base) + field.offset; }

}  // namespace bv::access
