#include "qemu/domain_list.h"

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/moments.h"

namespace bv::qemu {
namespace {

template <typename Map, typename Key>
DomainList::Ptr Look(const Map& map, const Key& key) {
  auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

// Whether `flags` has neither of two filters, or the one that holds.
bool Admits(unsigned flags, unsigned yes, unsigned no, bool holds) {
  return !(flags & (yes | no)) || (flags & (holds ? yes : no));
}

enum : unsigned {
  kActive = 1 << 0, kInactive = 1 << 1, kPersistent = 1 << 2, kTransient = 1 << 3, kRunning = 1 << 4,
  kPaused = 1 << 5, kShutoff = 1 << 6, kOther = 1 << 7, kManagedSave = 1 << 8, kNoManagedSave = 1 << 9,
  kAutostart = 1 << 10, kNoAutostart = 1 << 11, kHasSnapshot = 1 << 12, kNoSnapshot = 1 << 13,
  kHasCheckpoint = 1 << 14, kNoCheckpoint = 1 << 15,
};

unsigned StateFilter(State state) {
  switch (state) {
    case State::kRunning: return kRunning;
    case State::kPaused: return kPaused;
    case State::kShutoff: return kShutoff;
    default: return kOther;
  }
}

}  // namespace

DomainList::Ptr DomainList::FindName(std::string_view name) const { return Look(by_name_, name); }
DomainList::Ptr DomainList::FindUuid(const Uuid& uuid) const { return Look(by_uuid_, uuid); }
DomainList::Ptr DomainList::FindId(int id) const { return Look(by_id_, id); }

DomainList::Ptr DomainList::FindSame(std::string_view name, const Uuid& uuid) const {
  auto same = FindUuid(uuid);
  if (same && same->name() != name)
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed,
                fmt::format("domain '{}' is already defined with uuid {}", same->name(), uuid.ToString()));
  if (auto other = same ? nullptr : FindName(name))
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed,
                fmt::format("domain '{}' already exists with uuid {}", name, other->uuid().ToString()));
  return same;
}

void DomainList::Add(Ptr domain) {
  by_name_.emplace(domain->name(), domain);
  if (domain->active()) by_id_.emplace(domain->id(), domain);
  auto uuid = domain->uuid();
  by_uuid_.emplace(uuid, std::move(domain));
}

void DomainList::Remove(const Ptr& domain) {
  auto keep = domain;  // the argument may be one of ours
  keep->removed = true;
  by_name_.erase(keep->name());
  by_id_.erase(keep->id());
  by_uuid_.erase(keep->uuid());
}

void DomainList::Rename(const Ptr& domain, std::string name) {
  by_name_.erase(domain->name());
  domain->name_ = std::move(name);
  by_name_.emplace(domain->name(), domain);
}

void DomainList::SetLive(const Ptr& domain, std::unique_ptr<model::DomainDef> live, int id) {
  domain->SetLive(std::move(live), id);
  by_id_.emplace(id, domain);
}

std::unique_ptr<model::DomainDef> DomainList::ClearLive(const Ptr& domain) {
  by_id_.erase(domain->id());
  return domain->ClearLive();
}

std::vector<DomainList::Ptr> DomainList::All() const {
  std::vector<Ptr> all;
  all.reserve(by_uuid_.size());
  for (auto& [uuid, domain] : by_uuid_) all.push_back(domain);
  return all;
}

bool MatchesListFilter(const Domain& domain, unsigned flags) {
  constexpr unsigned kStates = kRunning | kPaused | kShutoff | kOther;
  return Admits(flags, kActive, kInactive, domain.active()) &&
         Admits(flags, kPersistent, kTransient, domain.persistent) &&
         (!(flags & kStates) || (flags & StateFilter(domain.state()))) &&
         Admits(flags, kManagedSave, kNoManagedSave, domain.has_managed_save) &&
         Admits(flags, kAutostart, kNoAutostart, domain.autostart) &&
         Admits(flags, kHasSnapshot, kNoSnapshot, domain.moments && !domain.moments->snapshots.empty()) &&
         Admits(flags, kHasCheckpoint, kNoCheckpoint, domain.moments && !domain.moments->checkpoints.empty());
}

}  // namespace bv::qemu
