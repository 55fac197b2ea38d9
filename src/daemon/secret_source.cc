#include "daemon/secret_source.h"

#include <unistd.h>

#include "base/wait.h"
#include "daemon/other_drivers.h"
#include "daemon/system_token.h"
#include "protocol/remote.h"

namespace bv {

using namespace remote;

namespace {

SecretSource* local_source = nullptr;

// Who we are, and that we are a daemon of this host or user: those get private values too.
Task<> ShowToken(std::shared_ptr<rpc::Client> client) {
  auto read = [directory = OtherDriversDir()] { return SystemToken(directory); };
  std::string token = co_await Offload(std::move(read));
  ConnectSetIdentityArgs identity;
  identity.params.push_back({"unix-user-id", std::uint64_t{geteuid()}});
  identity.params.push_back({"unix-group-id", std::uint64_t{getegid()}});
  identity.params.push_back({"process-id", std::int64_t{getpid()}});
  identity.params.push_back({"system.token", std::move(token)});
  co_await client->Call<proc::ConnectSetIdentity>(identity);
}

Task<std::string> Ask(SecretSource::Name name) {
  auto client = co_await OpenDriver("secret");
  co_await ShowToken(client);
  SecretGetValueArgs wanted;
  if (name.uuid) {
    SecretLookupByUuidArgs lookup{*name.uuid};
    wanted.secret = (co_await client->Call<proc::SecretLookupByUuid>(lookup)).secret;
  } else {
    SecretLookupByUsageArgs lookup{name.usage_type, name.usage};
    wanted.secret = (co_await client->Call<proc::SecretLookupByUsage>(lookup)).secret;
  }
  auto ret = co_await client->Call<proc::SecretGetValue>(wanted);
  client->Close();
  co_return std::string(ret.value.begin(), ret.value.end());
}

}  // namespace

void SecretSource::set_local(SecretSource* source) { local_source = source; }

Task<std::string> SecretSource::Value(Name name) {
  if (local_source) co_return local_source->LocalValue(name);
  auto value = co_await Ask(std::move(name));
  co_return value;
}

}  // namespace bv
