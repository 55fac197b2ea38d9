#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/task.h"
#include "daemon/server.h"
#include "protocol/admin_protocol.h"
#include "rpc/service.h"

namespace bv {

// What the administration socket can do to the daemon as a whole.
struct AdminHooks {
  std::function<void(std::uint32_t seconds)> set_timeout;
  std::string default_log_outputs;  // what setting none means
  // Reads the certificates again for new connections; null where there is no TLS.
  std::function<Task<>()> update_tls;
};

// The whole admin program: what virt-admin shows and sets.
class AdminService {
 public:
  // The servers (in the order that is listed) and hooks outlive the service.
  AdminService(const std::vector<std::unique_ptr<Server>>& servers, const AdminHooks& hooks)
      : servers_(servers), hooks_(hooks) {}

  void Register(Service& service);

 private:
  Task<> ConnectOpen(Call& call, admin::ConnectOpenArgs args);
  Task<> ConnectClose(Call& call);
  Task<admin::ConnectGetLibVersionRet> GetLibVersion(Call& call);
  Task<admin::ConnectListServersRet> ListServers(Call& call, admin::ConnectListServersArgs args);
  Task<admin::ConnectLookupServerRet> LookupServer(Call& call, admin::ConnectLookupServerArgs args);
  Task<admin::ServerGetThreadpoolParametersRet> GetThreadpool(Call& call, admin::ServerGetThreadpoolParametersArgs args);
  Task<> SetThreadpool(Call& call, admin::ServerSetThreadpoolParametersArgs args);
  Task<admin::ServerListClientsRet> ListClients(Call& call, admin::ServerListClientsArgs args);
  Task<admin::ServerLookupClientRet> LookupClient(Call& call, admin::ServerLookupClientArgs args);
  Task<admin::ClientGetInfoRet> GetClientInfo(Call& call, admin::ClientGetInfoArgs args);
  Task<> CloseClient(Call& call, admin::ClientCloseArgs args);
  Task<admin::ServerGetClientLimitsRet> GetClientLimits(Call& call, admin::ServerGetClientLimitsArgs args);
  Task<> SetClientLimits(Call& call, admin::ServerSetClientLimitsArgs args);
  Task<admin::ConnectGetLoggingOutputsRet> GetLoggingOutputs(Call& call, admin::ConnectGetLoggingOutputsArgs args);
  Task<admin::ConnectGetLoggingFiltersRet> GetLoggingFilters(Call& call, admin::ConnectGetLoggingFiltersArgs args);
  Task<> SetLoggingOutputs(Call& call, admin::ConnectSetLoggingOutputsArgs args);
  Task<> SetLoggingFilters(Call& call, admin::ConnectSetLoggingFiltersArgs args);
  Task<> UpdateTlsFiles(Call& call, admin::ServerUpdateTlsFilesArgs args);
  Task<> SetDaemonTimeout(Call& call, admin::ConnectSetDaemonTimeoutArgs args);

  Server& Find(const std::string& name) const;

  const std::vector<std::unique_ptr<Server>>& servers_;
  const AdminHooks& hooks_;
};

}  // namespace bv
