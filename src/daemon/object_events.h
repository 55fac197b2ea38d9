#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "rpc/service.h"

namespace bv {

// What a live upgrade knows of EventsByKey.
class Subscriptions {
 public:
  virtual ~Subscriptions() = default;
  virtual int next() const = 0;
  virtual void set_next(int next) = 0;
  // Per client: [ { "id", "event", MEMBER: KEY } ], none: empty.
  virtual Json Save(const rpc::ClientSession& client) const = 0;
  virtual void Restore(rpc::ClientSession& client, const Json& list) = 0;
};

// Who wants to know what happens to a driver's objects, which are told apart by keys (UUIDs, names): of all of them or
// of one, and of one kind of event. A subscription ends with its client.
template <typename Key>
class EventsByKey : public Subscriptions {
 public:
  // `what` the objects are called in errors, how many kinds of event they have, from 0 on, and the member in which a
  // saved subscription names its object. Literals.
  EventsByKey(const char* what, int kinds, const char* member) : what_(what), kinds_(kinds), member_(member) {}

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

  int next() const override { return next_; }
  void set_next(int next) override { next_ = next; }
  Json Save(const rpc::ClientSession& client) const override;
  void Restore(rpc::ClientSession& client, const Json& list) override;

 private:
  struct Subscription {
    std::weak_ptr<rpc::ClientSession> client;
    int id, event;
    std::optional<Key> object;
  };
  void Insert(rpc::ClientSession& client, int id, int event, std::optional<Key> object);

  const char* what_;
  int kinds_;
  const char* member_;
  std::vector<Subscription> subscriptions_;
  int next_ = 0;
};

extern template class EventsByKey<Uuid>;
extern template class EventsByKey<std::string>;
using ObjectEvents = EventsByKey<Uuid>;
using NamedObjectEvents = EventsByKey<std::string>;

}  // namespace bv
