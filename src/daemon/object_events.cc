#include "daemon/object_events.h"

#include "base/error.h"

namespace bv {

namespace {
[[noreturn]] void Refuse(std::string text) { throw Error(ErrorDomain::kRemote, ErrorCode::kInternalError, std::move(text)); }
}  // namespace

int ObjectEvents::Add(rpc::ClientSession& client, int event, std::optional<Uuid> object) {
  if (event < 0 || event >= kinds_) Refuse(std::string("unsupported ") + what_ + " event ID " + std::to_string(event));
  Insert(client, next_, event, object);
  return next_++;
}

void ObjectEvents::Insert(rpc::ClientSession& client, int id, int event, std::optional<Uuid> object) {
  subscriptions_.push_back({client.weak_from_this(), id, event, object});
  client.OnClose([this, id] { std::erase_if(subscriptions_, [=](auto& s) { return s.id == id; }); });
}

void ObjectEvents::Remove(const rpc::ClientSession& client, int id) {
  auto gone = std::erase_if(subscriptions_, [&](auto& s) { return s.id == id && s.client.lock().get() == &client; });
  if (gone == 0) Refuse(std::string(what_) + " event callback " + std::to_string(id) + " not registered");
}

Json ObjectEvents::Save(const rpc::ClientSession& client, const char* object) const {
  Json list = Json::Array();
  for (const Subscription& subscription : subscriptions_) {
    if (subscription.client.lock().get() != &client) continue;
    Json entry = Json::Object({{"id", subscription.id}, {"event", subscription.event}});
    if (subscription.object) entry.Set(object, subscription.object->ToString());
    list.Append(entry);
  }
  return list;
}

void ObjectEvents::Restore(rpc::ClientSession& client, const Json& list, const char* object) {
  for (const Json& entry : list.elements()) {
    Insert(client, static_cast<int>(entry.Find("id").AsInt().value_or(-1)), static_cast<int>(entry.Find("event").AsInt().value_or(-1)),
           Uuid::Parse(entry.Find(object).AsString().value_or("")));
  }
}

}  // namespace bv
