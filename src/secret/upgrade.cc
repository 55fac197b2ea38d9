// The part of SecretDriver that goes from one process image to the next: what no file has.
//
// In the state (upgrade/state.h): "secret": { "nextCallback", "lock": FD, "ephemeral": [ { "xml", "value": FD } ] },
// where the value (absent: none) is in a file in memory. Of each client:
// "secret": { "events": [ { "id", "event", "secret": UUID } ] }

#include "base/error.h"
#include "model/secret.h"
#include "secret/secret_driver.h"
#include "upgrade/fds.h"

namespace bv::secret {

namespace {
constexpr char kMember[] = "secret";

model::SecretDef DefinitionIn(const Json& entry) {
  return model::ParseSecret(entry.Find("xml").AsString().value_or(""), false);
}
}  // namespace

void SecretDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json list = Json::Array();
  for (const auto& [uuid, secret] : store_.all()) {
    if (!secret.def.ephemeral) continue;
    Json entry = Json::Object({{"xml", model::FormatSecret(secret.def)}});
    if (secret.value) entry.Set("value", fds.PassBytes(*secret.value));
    list.Append(entry);
  }
  Json ours = Json::Object({{"nextCallback", events_.next()}, {"ephemeral", list}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void SecretDriver::CheckState(const Json& state) const {
  for (const Json& entry : state.Find(kMember).Find("ephemeral").elements()) DefinitionIn(entry);
}

void SecretDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  events_.set_next(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
  for (const Json& entry : ours.Find("ephemeral").elements()) {
    Secret secret{DefinitionIn(entry), std::nullopt};
    if (Json value = entry.Find("value")) secret.value = fds.TakeBytes(upgrade::InheritedFds::NumberIn(value));
    store_.Put(std::move(secret));
  }
}

void SecretDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  Json events = events_.Save(client, kMember);
  if (events.size() > 0) state.Set(kMember, Json::Object({{"events", events}}));
}

void SecretDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  events_.Restore(client, state.Find(kMember).Find("events"), kMember);
}

}  // namespace bv::secret
