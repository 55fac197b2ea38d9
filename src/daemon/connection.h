#pragma once

#include <string>

#include "base/task.h"
#include "daemon/driver.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv {

// What CONNECT_OPEN made of a connection: client.State<OpenConnection>().
struct OpenConnection {
  Driver* driver = nullptr;  // null before it is open
  bool opening = false;      // CONNECT_OPEN is under way
  std::string uri;           // as the client gave it, or the driver's default
};

// Whether CONNECT_SUPPORTS_FEATURE is answered for this feature without asking a driver.
bool IsFeatureOfTheDaemon(std::int32_t feature);

// Answers the procedures that concern the connection itself rather than a driver, and refuses the
// others before it is open.
class ConnectionService {
 public:
  // `drivers` outlives the service.
  ConnectionService(const DriverList& drivers, bool privileged) : drivers_(drivers), privileged_(privileged) {}

  void Register(Service& service);

  // What a client has open, for the next process image; nothing before it has.
  void SaveClient(rpc::ClientSession& client, Json& state) const;
  void RestoreClient(rpc::ClientSession& client, const Json& state) const;

 private:
  Task<remote::AuthListRet> AuthList(Call& call);
  Task<remote::AuthPolkitRet> AuthPolkit(Call& call);
  Task<> Open(Call& call, remote::ConnectOpenArgs args);
  Task<> Close(Call& call);
  Task<remote::ConnectSupportsFeatureRet> SupportsFeature(Call& call, remote::ConnectSupportsFeatureArgs args);
  Task<remote::ConnectGetLibVersionRet> GetLibVersion(Call& call);
  Task<remote::ConnectGetUriRet> GetUri(Call& call);
  Task<remote::ConnectIsSecureRet> IsSecure(Call& call);
  Task<> RegisterCloseCallback(Call& call);
  Task<> UnregisterCloseCallback(Call& call);
  Task<> SetIdentity(Call& call, remote::ConnectSetIdentityArgs args);

  // Routes the client's calls to `driver`.
  void Connect(rpc::ClientSession& client, Driver& driver, std::string uri) const;
  // The driver that takes `name`, which becomes a whole URI if it was empty. Throws when none does.
  Driver& Choose(std::string& name) const;

  const DriverList& drivers_;
  bool privileged_;
};

}  // namespace bv
