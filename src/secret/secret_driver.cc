#include "secret/secret_driver.h"

#include <algorithm>

#include "base/error.h"
#include "base/schema.h"
#include "base/verbatim_error.h"
#include "daemon/system_token.h"

namespace bv::secret {

using namespace remote;
using model::SecretUsage;

namespace {

// virConnectListAllSecretsFlags
enum : unsigned { kEphemeral = 1, kNotEphemeral = 2, kPrivate = 4, kNotPrivate = 8, kAllFilters = 15 };
// virSecretEventID, virSecretEventLifecycleType
enum { kLifecycleEvent = 0, kValueChangedEvent = 1 };
enum { kDefined = 0, kUndefined = 1 };
constexpr unsigned kDefineValidate = 1;

NonnullSecret Reference(const Secret& secret) {
  return {secret.def.uuid, static_cast<int32_t>(secret.def.usage), secret.def.usage_id};
}

bool Passes(const model::SecretDef& def, unsigned flags) {
  auto wanted = [=](unsigned yes, unsigned no, bool is) { return !(flags & (yes | no)) || (flags & (is ? yes : no)); };
  return wanted(kEphemeral, kNotEphemeral, def.ephemeral) && wanted(kPrivate, kNotPrivate, def.is_private);
}

const std::string& ValueOf(const Secret& secret) {
  if (secret.value) return *secret.value;
  throw Error(ErrorDomain::kSecret, ErrorCode::kNoSecret,
              "secret '" + secret.def.uuid.ToString() + "' does not have a value");
}

void RefuseFlags(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kSecret, function);
}

}  // namespace

SecretDriver::SecretDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "secret", ErrorDomain::kSecret, &events_),
      token_dir_(environment.state_dir),
      state_dir_(environment.state_dir + (environment.privileged ? "/secrets" : "/secrets/run")),
      store_(environment.config_dir + "/secrets") {
  set_local(this);
}

SecretDriver::~SecretDriver() { set_local(nullptr); }

Task<> SecretDriver::Start() {
  LockState(state_dir_);
  store_.Load(SecretStore::ReadFiles(store_.directory()));
  co_return;
}

// As in libvirt, silently, and what has gone from the disk stays.
Task<> SecretDriver::Reload() {
  auto turn = co_await BeginChange();
  auto read = [directory = store_.directory()] { return SecretStore::ReadFiles(directory); };
  store_.Load(co_await Offload(read));
}

bool SecretDriver::HasActiveObjects() const {
  return std::ranges::any_of(store_.all(), [](auto& entry) { return entry.second.def.ephemeral; });
}

void SecretDriver::Register(Service& service) {
  ObjectDriver::Register(service);
  service.On<proc::ConnectNumOfSecrets>(this, &SecretDriver::Count);
  service.On<proc::ConnectListSecrets>(this, &SecretDriver::ListUuids);
  service.On<proc::ConnectListAllSecrets>(this, &SecretDriver::ListAll);
  service.On<proc::SecretLookupByUuid>(this, &SecretDriver::LookupByUuid);
  service.On<proc::SecretLookupByUsage>(this, &SecretDriver::LookupByUsage);
  service.On<proc::SecretDefineXml>(this, &SecretDriver::Define);
  service.On<proc::SecretUndefine>(this, &SecretDriver::Undefine);
  service.On<proc::SecretGetXmlDesc>(this, &SecretDriver::GetXml);
  service.On<proc::SecretGetValue>(this, &SecretDriver::GetValue);
  service.On<proc::SecretSetValue>(this, &SecretDriver::SetValue);
  service.On<proc::ConnectSecretEventRegisterAny>(this, &SecretDriver::Subscribe);
  service.On<proc::ConnectSecretEventDeregisterAny>(this, &SecretDriver::Unsubscribe);
}

std::string SecretDriver::LocalValue(const Name& name) {
  if (name.uuid) return ValueOf(store_.Get(*name.uuid));
  const Secret* secret = store_.Find(static_cast<SecretUsage>(name.usage_type), name.usage);
  if (!secret) throw Error(ErrorDomain::kSecret, ErrorCode::kNoSecret, "no secret with matching usage '" + name.usage + "'");
  return ValueOf(*secret);
}

Task<ConnectNumOfSecretsRet> SecretDriver::Count(Call&) {
  ConnectNumOfSecretsRet ret;
  ret.num = static_cast<int32_t>(store_.all().size());
  co_return ret;
}

Task<ConnectListSecretsRet> SecretDriver::ListUuids(Call&, ConnectListSecretsArgs args) {
  ConnectListSecretsRet ret;
  for (auto& [uuid, secret] : store_.all()) {
    if (static_cast<int64_t>(ret.uuids.size()) < args.maxuuids) ret.uuids.push_back(uuid.ToString());
  }
  co_return ret;
}

Task<ConnectListAllSecretsRet> SecretDriver::ListAll(Call&, ConnectListAllSecretsArgs args) {
  RefuseFlags(args.flags, kAllFilters, "secretConnectListAllSecrets");
  ConnectListAllSecretsRet ret;
  for (auto& [uuid, secret] : store_.all()) {
    if (!Passes(secret.def, args.flags)) continue;
    ++ret.ret;
    if (args.need_results) ret.secrets.push_back(Reference(secret));
  }
  co_return ret;
}

Task<SecretLookupByUuidRet> SecretDriver::LookupByUuid(Call&, SecretLookupByUuidArgs args) {
  SecretLookupByUuidRet ret;
  ret.secret = Reference(store_.Get(args.uuid));
  co_return ret;
}

Task<SecretLookupByUsageRet> SecretDriver::LookupByUsage(Call&, SecretLookupByUsageArgs args) {
  const Secret* secret = store_.Find(static_cast<SecretUsage>(args.usageType), args.usageID);
  if (!secret) {
    throw Error(ErrorDomain::kSecret, ErrorCode::kNoSecret, "no secret with matching usage '" + args.usageID + "'");
  }
  SecretLookupByUsageRet ret;
  ret.secret = Reference(*secret);
  co_return ret;
}

Task<AsyncMutex::Lock> SecretDriver::BeginChange() {
  auto lock = co_await changes_.Acquire();
  co_return std::move(*lock);
}

// To disk, then into memory.
Task<> SecretDriver::Save(Secret secret) {
  auto write = [directory = store_.directory(), secret] { SecretStore::WriteFiles(directory, secret); };
  co_await Offload(write);
  store_.Put(std::move(secret));
}

Task<SecretDefineXmlRet> SecretDriver::Define(Call&, SecretDefineXmlArgs args) {
  RefuseFlags(args.flags, kDefineValidate, "secretDefineXML");
  std::function<void()> describe = [&] { model::ParseSecret(args.xml, true); };
  const bool validate = co_await xml::StillToValidate(args.flags & kDefineValidate, args.xml, "secret", "secret", describe);
  Secret secret{model::ParseSecret(args.xml, validate), std::nullopt};
  auto turn = co_await BeginChange();
  store_.CheckDefinition(secret.def);
  if (const Secret* old = store_.Find(secret.def.uuid)) secret.value = old->value;
  SecretDefineXmlRet ret;
  ret.secret = Reference(secret);
  co_await Save(std::move(secret));
  events_.Tell<proc::SecretEventLifecycle>(kLifecycleEvent, ret.secret.uuid, {0, ret.secret, kDefined, 0});
  co_return ret;
}

Task<> SecretDriver::Undefine(Call&, SecretUndefineArgs args) {
  auto turn = co_await BeginChange();
  NonnullSecret gone = Reference(store_.Get(args.secret.uuid));
  auto remove = [directory = store_.directory(), uuid = gone.uuid] { SecretStore::RemoveFiles(directory, uuid); };
  co_await Offload(remove);
  store_.Remove(gone.uuid);
  events_.Tell<proc::SecretEventLifecycle>(kLifecycleEvent, gone.uuid, {0, gone, kUndefined, 0});
}

Task<SecretGetXmlDescRet> SecretDriver::GetXml(Call&, SecretGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "secretGetXMLDesc");
  SecretGetXmlDescRet ret;
  ret.xml = model::FormatSecret(store_.Get(args.secret.uuid).def);
  co_return ret;
}

Task<SecretGetValueRet> SecretDriver::GetValue(Call& call, SecretGetValueArgs args) {
  RefuseFlags(args.flags, 0, "secretGetValue");
  std::string token = call.client().identity().system_token, right;
  if (store_.Get(args.secret.uuid).def.is_private && !token.empty()) {
    auto read = [directory = token_dir_] { return SystemToken(directory); };
    right = co_await Offload(std::move(read));
  }
  const Secret& secret = store_.Get(args.secret.uuid);
  if (secret.def.is_private && (token.empty() || token != right)) {
    throw Error(ErrorDomain::kSecret, ErrorCode::kInvalidSecret, "secret is private");
  }
  SecretGetValueRet ret;
  const std::string& value = ValueOf(secret);
  ret.value.assign(value.begin(), value.end());
  co_return ret;
}

Task<> SecretDriver::SetValue(Call&, SecretSetValueArgs args) {
  RefuseFlags(args.flags, 0, "secretSetValue");
  auto turn = co_await BeginChange();
  Secret secret = store_.Get(args.secret.uuid);
  secret.value.emplace(args.value.begin(), args.value.end());
  NonnullSecret reference = Reference(secret);
  co_await Save(std::move(secret));
  events_.Tell<proc::SecretEventValueChanged>(kValueChangedEvent, reference.uuid, {0, reference});
}

Task<ConnectSecretEventRegisterAnyRet> SecretDriver::Subscribe(Call& call, ConnectSecretEventRegisterAnyArgs args) {
  ConnectSecretEventRegisterAnyRet ret;
  ret.callbackID = events_.Add(call.client(), args.eventID, args.secret ? std::optional(args.secret->uuid) : std::nullopt);
  co_return ret;
}

Task<> SecretDriver::Unsubscribe(Call& call, ConnectSecretEventDeregisterAnyArgs args) {
  events_.Remove(call.client(), args.callbackID);
  co_return;
}

}  // namespace bv::secret
