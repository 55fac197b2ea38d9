#include "qemu/autodestroy.h"

#include "qemu/guests.h"

namespace bv::qemu {

namespace {

// Guests that end with the connection that started them.
struct AutodestroyGuard {
  std::vector<std::weak_ptr<Domain>> domains;
  Guests* guests = nullptr;
  ~AutodestroyGuard() {
    auto end = [](Guests* guests, DomainPtr domain) -> Task<> {
      auto turn = co_await domain->jobs.Begin(Job::kDestroy, "qemuProcessAutoDestroy");
      if (domain->active()) co_await guests->Stop(domain, shutoff::kDestroyed, stopped::kDestroyed);
    };
    for (auto& weak : domains) {
      if (auto domain = weak.lock(); domain && domain->active()) Spawn(end(guests, domain), "autodestroy");
    }
  }
};

}  // namespace

void Autodestroy(rpc::ClientSession& client, Guests* guests, const DomainPtr& domain) {
  auto& guard = client.State<AutodestroyGuard>();
  guard.guests = guests;
  guard.domains.push_back(domain);
}

std::vector<DomainPtr> AutodestroyedBy(rpc::ClientSession& client) {
  std::vector<DomainPtr> domains;
  for (auto& weak : client.State<AutodestroyGuard>().domains) {
    if (auto domain = weak.lock(); domain && domain->active()) domains.push_back(domain);
  }
  return domains;
}

}  // namespace bv::qemu
