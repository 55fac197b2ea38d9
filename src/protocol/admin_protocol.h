#pragma once

#include "rpc/typed_param.h"
#include "rpc/procedure.h"
#include "rpc/xdr.h"

// The admin socket of every daemon.

namespace bv::admin {

extern const rpc::Program kProgram;

namespace proc {
template <int kNumber>
struct At;
}

using bv::TypedParam;

inline constexpr uint32_t kClientInfoParametersMax = 64;
inline constexpr uint32_t kClientListMax = 16384;
inline constexpr uint32_t kServerClientLimitsMax = 32;
inline constexpr uint32_t kServerListMax = 16384;
inline constexpr uint32_t kServerThreadpoolParametersMax = 32;

struct ConnectOpenArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
RPC_CALL(1, ConnectOpen, ConnectOpenArgs, void)

RPC_CALL(2, ConnectClose, void, void)

struct ConnectGetLibVersionRet {
  uint64_t libVer = 0;
  XDR_FIELDS(libVer)
};
RPC_CALL(3, ConnectGetLibVersion, void, ConnectGetLibVersionRet)

struct ConnectListServersArgs {
  uint32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct NonnullServer {
  std::string name;
  XDR_FIELDS(name)
};
struct ConnectListServersRet {
  xdr::List<NonnullServer, kServerListMax> servers;
  uint32_t ret = 0;
  XDR_FIELDS(servers, ret)
};
RPC_CALL(4, ConnectListServers, ConnectListServersArgs, ConnectListServersRet)

struct ConnectLookupServerArgs {
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(name, flags)
};
struct ConnectLookupServerRet {
  NonnullServer srv;
  XDR_FIELDS(srv)
};
RPC_CALL(5, ConnectLookupServer, ConnectLookupServerArgs, ConnectLookupServerRet)

struct ServerGetThreadpoolParametersArgs {
  NonnullServer srv;
  uint32_t flags = 0;
  XDR_FIELDS(srv, flags)
};
struct ServerGetThreadpoolParametersRet {
  xdr::List<TypedParam, kServerThreadpoolParametersMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(6, ServerGetThreadpoolParameters, ServerGetThreadpoolParametersArgs,
         ServerGetThreadpoolParametersRet)

struct ServerSetThreadpoolParametersArgs {
  NonnullServer srv;
  xdr::List<TypedParam, kServerThreadpoolParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(srv, params, flags)
};
RPC_CALL(7, ServerSetThreadpoolParameters, ServerSetThreadpoolParametersArgs, void)

struct ServerListClientsArgs {
  NonnullServer srv;
  uint32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(srv, need_results, flags)
};
struct NonnullClient {
  NonnullServer srv;
  uint64_t id = 0;
  int64_t timestamp = 0;
  uint32_t transport = 0;
  XDR_FIELDS(srv, id, timestamp, transport)
};
struct ServerListClientsRet {
  xdr::List<NonnullClient, kClientListMax> clients;
  uint32_t ret = 0;
  XDR_FIELDS(clients, ret)
};
RPC_CALL(8, ServerListClients, ServerListClientsArgs, ServerListClientsRet)

struct ServerLookupClientArgs {
  NonnullServer srv;
  uint64_t id = 0;
  uint32_t flags = 0;
  XDR_FIELDS(srv, id, flags)
};
struct ServerLookupClientRet {
  NonnullClient clnt;
  XDR_FIELDS(clnt)
};
RPC_CALL(9, ServerLookupClient, ServerLookupClientArgs, ServerLookupClientRet)

struct ClientGetInfoArgs {
  NonnullClient clnt;
  uint32_t flags = 0;
  XDR_FIELDS(clnt, flags)
};
struct ClientGetInfoRet {
  xdr::List<TypedParam, kClientInfoParametersMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(10, ClientGetInfo, ClientGetInfoArgs, ClientGetInfoRet)

struct ClientCloseArgs {
  NonnullClient clnt;
  uint32_t flags = 0;
  XDR_FIELDS(clnt, flags)
};
RPC_CALL(11, ClientClose, ClientCloseArgs, void)

struct ServerGetClientLimitsArgs {
  NonnullServer srv;
  uint32_t flags = 0;
  XDR_FIELDS(srv, flags)
};
struct ServerGetClientLimitsRet {
  xdr::List<TypedParam, kServerClientLimitsMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(12, ServerGetClientLimits, ServerGetClientLimitsArgs, ServerGetClientLimitsRet)

struct ServerSetClientLimitsArgs {
  NonnullServer srv;
  xdr::List<TypedParam, kServerClientLimitsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(srv, params, flags)
};
RPC_CALL(13, ServerSetClientLimits, ServerSetClientLimitsArgs, void)

struct ConnectGetLoggingOutputsArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
struct ConnectGetLoggingOutputsRet {
  std::string outputs;
  uint32_t noutputs = 0;
  XDR_FIELDS(outputs, noutputs)
};
RPC_CALL(14, ConnectGetLoggingOutputs, ConnectGetLoggingOutputsArgs, ConnectGetLoggingOutputsRet)

struct ConnectGetLoggingFiltersArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
struct ConnectGetLoggingFiltersRet {
  std::optional<std::string> filters;
  uint32_t nfilters = 0;
  XDR_FIELDS(filters, nfilters)
};
RPC_CALL(15, ConnectGetLoggingFilters, ConnectGetLoggingFiltersArgs, ConnectGetLoggingFiltersRet)

struct ConnectSetLoggingOutputsArgs {
  std::optional<std::string> outputs;
  uint32_t flags = 0;
  XDR_FIELDS(outputs, flags)
};
RPC_CALL(16, ConnectSetLoggingOutputs, ConnectSetLoggingOutputsArgs, void)

struct ConnectSetLoggingFiltersArgs {
  std::optional<std::string> filters;
  uint32_t flags = 0;
  XDR_FIELDS(filters, flags)
};
RPC_CALL(17, ConnectSetLoggingFilters, ConnectSetLoggingFiltersArgs, void)

struct ServerUpdateTlsFilesArgs {
  NonnullServer srv;
  uint32_t flags = 0;
  XDR_FIELDS(srv, flags)
};
RPC_CALL(18, ServerUpdateTlsFiles, ServerUpdateTlsFilesArgs, void)

struct ConnectSetDaemonTimeoutArgs {
  uint32_t timeout = 0;
  uint32_t flags = 0;
  XDR_FIELDS(timeout, flags)
};
RPC_CALL(19, ConnectSetDaemonTimeout, ConnectSetDaemonTimeoutArgs, void)

}  // namespace bv::admin
