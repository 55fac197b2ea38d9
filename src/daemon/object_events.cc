#include "daemon/object_events.h"

#include "base/error.h"

namespace bv {

namespace {
[[noreturn]] void Refuse(std::string text) { throw Error(ErrorDomain::kRemote, ErrorCode::kInternalError, std::move(text)); }

std::string TextOf(const Uuid& key) { return key.ToString(); }
std::string TextOf(const std::string& key) { return key; }

template <typename Key>
std::optional<Key> KeyOf(const std::optional<std::string>& text) {
  if constexpr (std::is_same_v<Key, std::string>) return text;
  else return Uuid::Parse(text.value_or(""));
}
}  // namespace

template <typename Key>
int EventsByKey<Key>::Add(rpc::ClientSession& client, int event, std::optional<Key> object) {
  if (event < 0 || event >= kinds_) Refuse(std::string("unsupported ") + what_ + " event ID " + std::to_string(event));
  Insert(client, next_, event, object);
  return next_++;
}

template <typename Key>
void EventsByKey<Key>::Insert(rpc::ClientSession& client, int id, int event, std::optional<Key> object) {
  subscriptions_.push_back({client.weak_from_this(), id, event, object});
  client.OnClose([this, id] { std::erase_if(subscriptions_, [=](auto& s) { return s.id == id; }); });
}

template <typename Key>
void EventsByKey<Key>::Remove(const rpc::ClientSession& client, int id) {
  auto gone = std::erase_if(subscriptions_, [&](auto& s) { return s.id == id && s.client.lock().get() == &client; });
  if (gone == 0) Refuse(std::string(what_) + " event callback " + std::to_string(id) + " not registered");
}

template <typename Key>
Json EventsByKey<Key>::Save(const rpc::ClientSession& client) const {
  Json list = Json::Array();
  for (const Subscription& subscription : subscriptions_) {
    if (subscription.client.lock().get() != &client) continue;
    Json entry = Json::Object({{"id", subscription.id}, {"event", subscription.event}});
    if (subscription.object) entry.Set(member_, TextOf(*subscription.object));
    list.Append(entry);
  }
  return list;
}

template <typename Key>
void EventsByKey<Key>::Restore(rpc::ClientSession& client, const Json& list) {
  for (const Json& entry : list.elements()) {
    Insert(client, static_cast<int>(entry.Find("id").AsInt().value_or(-1)), static_cast<int>(entry.Find("event").AsInt().value_or(-1)),
           KeyOf<Key>(entry.Find(member_).AsString()));
  }
}

template class EventsByKey<Uuid>;
template class EventsByKey<std::string>;

}  // namespace bv
