// The part of SecretDriver that goes from one process image to the next: what no file has.
//
// In the state, besides what ObjectDriver has there: "secret": { "ephemeral": [ { "xml", "value": FD } ] }, where the value
// (absent: none) is in a file in memory.

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

Json SecretDriver::SaveMore(upgrade::PassedFds& fds) const {
  Json list = Json::Array();
  for (const auto& [uuid, secret] : store_.all()) {
    if (!secret.def.ephemeral) continue;
    Json entry = Json::Object({{"xml", model::FormatSecret(secret.def)}});
    if (secret.value) entry.Set("value", fds.PassBytes(*secret.value));
    list.Append(entry);
  }
  return Json::Object({{"ephemeral", list}});
}

void SecretDriver::CheckState(const Json& state) const {
  for (const Json& entry : state.Find(kMember).Find("ephemeral").elements()) DefinitionIn(entry);
}

void SecretDriver::RestoreMore(const Json& ours, upgrade::InheritedFds& fds) {
  for (const Json& entry : ours.Find("ephemeral").elements()) {
    Secret secret{DefinitionIn(entry), std::nullopt};
    if (Json value = entry.Find("value")) secret.value = fds.TakeBytes(upgrade::InheritedFds::NumberIn(value));
    store_.Put(std::move(secret));
  }
}

}  // namespace bv::secret
