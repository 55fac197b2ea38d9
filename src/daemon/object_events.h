#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "rpc/service.h"

namespace bv {

// Who wants to know what happens to a driver's objects, which are told apart by keys (UUIDs, names): of all of them or
// of one, and of one kind of event. A subscription ends with its client.
template <typename Key>
class EventsByKey {
 public:
  // `what` the objects are called in errors, and how many kinds of event they have, from 0 on.
  EventsByKey(const char* what, int kinds) : what_(what), kinds_(kinds) {}

  // The number that the client knows the subscription by. Throws when there are no such events.
  int Add(rpc::ClientSession& client, int event, std::optional<Key> object);
  // Throws when the client has none of that number.
  void Remove(const rpc::ClientSession& client, int id);

  // Sends `message` with each subscriber's callbackID.
  template <typename EventProc>
  void Tell(int event, const Key& object, typename EventProc::Msg message) const {
    for (auto& subscription : subscriptions_) {
      if (subscription.event != event || (subscription.object && *subscription.object != object)) continue;
      auto client = subscription.client.lock();
      if (!client) continue;
      message.callbackID = subscription.id;
      client->template SendEvent<EventProc>(message);
    }
  }

  bool empty() const { return subscriptions_.empty(); }

  // For a live upgrade: the next number, and per client [ { "id", "event", `object`: KEY } ], none: empty.
  int next() const { return next_; }
  void set_next(int next) { next_ = next; }
  Json Save(const rpc::ClientSession& client, const char* object) const;
  void Restore(rpc::ClientSession& client, const Json& list, const char* object);

 private:
  struct Subscription {
    std::weak_ptr<rpc::ClientSession> client;
    int id, event;
    std::optional<Key> object;
  };
  void Insert(rpc::ClientSession& client, int id, int event, std::optional<Key> object);

  const char* what_;
  int kinds_;
  std::vector<Subscription> subscriptions_;
  int next_ = 0;
};

extern template class EventsByKey<Uuid>;
extern template class EventsByKey<std::string>;
using ObjectEvents = EventsByKey<Uuid>;
using NamedObjectEvents = EventsByKey<std::string>;

}  // namespace bv
