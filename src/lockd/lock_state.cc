#include "lockd/lock_state.h"

#include <climits>

#include "base/error.h"
#include "upgrade/fds.h"

namespace bv::lockd {

namespace {

[[noreturn]] void Refuse(const char* why) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, std::string("cannot take over the state: ") + why);
}

pid_t Pid(const Json& number) {
  auto pid = number.AsInt();
  if (!pid || *pid < 0 || *pid > INT_MAX) Refuse("a lease's owner is no process");
  return static_cast<pid_t>(*pid);
}

Json FormatLeases(const std::vector<SavedLease>& leases) {
  Json resources = Json::Array();
  for (const SavedLease& lease : leases) {
    Json owners = Json::Array();
    for (pid_t owner : lease.owners) owners.Append(owner);
    resources.Append(Json::Object({{"name", lease.name},
                                   {"path", lease.path},
                                   {"fd", lease.fd},
                                   {"lockHeld", true},
                                   {"flags", lease.flags},
                                   {"owners", owners},
                                   {"ofdLock", lease.ours}}));
  }
  return resources;
}

SavedSpace ParseSpace(const Json& json) {
  SavedSpace space;
  space.directory = json.Find("directory").AsString().value_or("");
  for (const Json& resource : json.Find("resources").elements()) {
    if (!resource.Find("lockHeld").AsBool().value_or(true)) continue;
    SavedLease lease;
    lease.name = resource.Find("name").AsString().value_or("");
    lease.path = resource.Find("path").AsString().value_or("");
    lease.fd = upgrade::InheritedFds::NumberIn(resource.Find("fd"));
    auto flags = resource.Find("flags").AsUint();
    if (lease.name.empty() || lease.fd < 0 || !flags || *flags > UINT_MAX) Refuse("a lease has no name, descriptor or flags");
    lease.flags = static_cast<unsigned>(*flags);
    for (const Json& owner : resource.Find("owners").elements()) lease.owners.push_back(Pid(owner));
    if (lease.owners.empty()) Refuse("a lease has no owner");
    lease.ours = resource.Find("ofdLock").AsBool().value_or(false);
    space.leases.push_back(std::move(lease));
  }
  return space;
}

}  // namespace

void FormatSpaces(const std::vector<SavedSpace>& spaces, Json& state) {
  Json others = Json::Array();
  for (const SavedSpace& space : spaces) {
    Json json = Json::Object();
    if (!space.directory.empty()) json.Set("directory", space.directory);
    json.Set("resources", FormatLeases(space.leases));
    if (space.directory.empty()) {
      state.Set("defaultLockspace", json);
    } else {
      others.Append(json);
    }
  }
  state.Set("lockspaces", others);
}

std::vector<SavedSpace> ParseSpaces(const Json& state) {
  std::vector<SavedSpace> spaces;
  spaces.push_back(ParseSpace(state.Find("defaultLockspace")));
  if (!spaces.front().directory.empty()) Refuse("the default lockspace has a directory");
  for (const Json& json : state.Find("lockspaces").elements()) {
    spaces.push_back(ParseSpace(json));
    if (!spaces.back().directory.starts_with('/')) Refuse("a lockspace has no directory");
  }
  return spaces;
}

void FormatOwner(const SavedOwner& owner, Json& client) {
  client.Set("restricted", owner.restricted);
  client.Set("ownerPid", owner.pid);
  client.Set("ownerId", owner.id);
  client.Set("ownerName", owner.name);
  client.Set("ownerUUID", owner.uuid.ToString());
}

SavedOwner ParseOwner(const Json& client) {
  SavedOwner owner;
  owner.restricted = client.Find("restricted").AsBool().value_or(false);
  if (Json pid = client.Find("ownerPid")) owner.pid = Pid(pid);
  owner.id = static_cast<std::uint32_t>(client.Find("ownerId").AsUint().value_or(0));
  owner.name = client.Find("ownerName").AsString().value_or("");
  owner.uuid = Uuid::Parse(client.Find("ownerUUID").AsString().value_or("")).value_or(Uuid{});
  return owner;
}

}  // namespace bv::lockd
