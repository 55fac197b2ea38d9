#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qemu/domain.h"

namespace bv::qemu {

// All domains of the driver, found by name, UUID and id in constant time.
class DomainList {
 public:
  using Ptr = std::shared_ptr<Domain>;

  // Null when there is none.
  Ptr FindName(std::string_view name) const;
  Ptr FindUuid(const Uuid& uuid) const;
  Ptr FindId(int id) const;
  // The one that has both; null when neither is taken. kOperationFailed when only one of them is.
  Ptr FindSame(std::string_view name, const Uuid& uuid) const;

  // Neither name nor UUID may be taken.
  void Add(Ptr domain);
  void Remove(const Ptr& domain);
  void Rename(const Ptr& domain, std::string name);
  // Keeps the index of ids right; see Domain::SetLive and ClearLive.
  void SetLive(const Ptr& domain, std::unique_ptr<model::DomainDef> live, int id);
  std::unique_ptr<model::DomainDef> ClearLive(const Ptr& domain);

  std::size_t size() const { return by_uuid_.size(); }
  std::size_t active() const { return by_id_.size(); }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (auto& [uuid, domain] : by_uuid_) visit(domain);
  }
  // A copy for loops that wait in between.
  std::vector<Ptr> All() const;

 private:
  std::unordered_map<Uuid, Ptr, UuidHash> by_uuid_;
  std::unordered_map<std::string_view, Ptr> by_name_;  // the keys are the domains' own names
  std::unordered_map<int, Ptr> by_id_;
};

// virConnectListAllDomains' filters: pairs of opposites, of which none means either.
bool MatchesListFilter(const Domain& domain, unsigned flags);

}  // namespace bv::qemu
