#pragma once

#include <optional>

#include "base/wait.h"
#include "daemon/object_driver.h"
#include "daemon/secret_source.h"
#include "protocol/remote.h"
#include "rpc/service.h"
#include "secret/secret_store.h"

namespace bv::secret {

// virtsecretd's driver: secrets with their values, and events about them.
class SecretDriver : public ObjectDriver, public SecretSource {
 public:
  explicit SecretDriver(const DriverEnvironment& environment);
  ~SecretDriver() override;

  Task<> Start() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool HasActiveObjects() const override;
  // upgrade.cc
  void CheckState(const Json& state) const override;

 private:
  std::string LocalValue(const Name& name) override;
  Json SaveMore(upgrade::PassedFds& fds) const override;
  void RestoreMore(const Json& ours, upgrade::InheritedFds& fds) override;

  Task<remote::ConnectNumOfSecretsRet> Count(Call& call);
  Task<remote::ConnectListSecretsRet> ListUuids(Call& call, remote::ConnectListSecretsArgs args);
  Task<remote::ConnectListAllSecretsRet> ListAll(Call& call, remote::ConnectListAllSecretsArgs args);
  Task<remote::SecretLookupByUuidRet> LookupByUuid(Call& call, remote::SecretLookupByUuidArgs args);
  Task<remote::SecretLookupByUsageRet> LookupByUsage(Call& call, remote::SecretLookupByUsageArgs args);
  Task<remote::SecretDefineXmlRet> Define(Call& call, remote::SecretDefineXmlArgs args);
  Task<> Undefine(Call& call, remote::SecretUndefineArgs args);
  Task<remote::SecretGetXmlDescRet> GetXml(Call& call, remote::SecretGetXmlDescArgs args);
  Task<remote::SecretGetValueRet> GetValue(Call& call, remote::SecretGetValueArgs args);
  Task<> SetValue(Call& call, remote::SecretSetValueArgs args);
  Task<remote::ConnectSecretEventRegisterAnyRet> Subscribe(Call& call, remote::ConnectSecretEventRegisterAnyArgs args);
  Task<> Unsubscribe(Call& call, remote::ConnectSecretEventDeregisterAnyArgs args);

  Task<AsyncMutex::Lock> BeginChange();
  Task<> Save(Secret secret);

  const std::string token_dir_;
  const std::string state_dir_;
  SecretStore store_;
  AsyncMutex changes_;  // one at a time, since each waits for the disk
  ObjectEvents events_{"secret", 2, "secret"};
};

}  // namespace bv::secret
