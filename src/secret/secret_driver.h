#pragma once

#include <optional>

#include "base/wait.h"
#include "daemon/driver.h"
#include "daemon/object_events.h"
#include "daemon/pid_file.h"
#include "daemon/secret_source.h"
#include "protocol/remote.h"
#include "rpc/service.h"
#include "secret/secret_store.h"

namespace bv::secret {

// virtsecretd's driver: secrets with their values, and events about them.
class SecretDriver : public Driver, public SecretSource {
 public:
  explicit SecretDriver(const DriverEnvironment& environment);
  ~SecretDriver() override;

  Task<> Start() override;
  Task<> Stop() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override { return privileged_ ? "secret:///system" : "secret:///session"; }
  bool IsHypervisor() const override { return false; }
  bool HasActiveObjects() const override;
  // upgrade.cc
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void SaveClient(ClientSession& client, Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;
  void RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds& fds) override;
  void CheckState(const Json& state) const override;

 private:
  std::string LocalValue(const Name& name) override;

  Task<remote::ConnectGetTypeRet> GetType(Call& call);
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

  const bool privileged_;
  const std::string token_dir_;
  // Against another daemon that would manage the same secrets, the original's among them.
  const std::string state_dir_;
  std::optional<PidFile> lock_;
  Fd inherited_lock_;  // of another image of this process
  SecretStore store_;
  AsyncMutex changes_;  // one at a time, since each waits for the disk
  ObjectEvents events_{"secret", 2};
};

}  // namespace bv::secret
