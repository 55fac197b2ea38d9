#pragma once

#include "protocol/remote/types.h"

// The host: CPU, memory, suspend.

namespace bv::remote {

inline constexpr uint32_t kNodeCpuStatsMax = 16;
inline constexpr uint32_t kNodeMaxCells = 1024;
inline constexpr uint32_t kNodeMemoryParametersMax = 64;
inline constexpr uint32_t kNodeMemoryStatsMax = 16;
inline constexpr uint32_t kNodeSevInfoMax = 64;
inline constexpr uint32_t kSecurityDoiMax = 257;
inline constexpr uint32_t kSecurityModelMax = 257;

struct NodeGetInfoRet {
  xdr::CharArray<32> model{};
  uint64_t memory = 0;
  int32_t cpus = 0;
  int32_t mhz = 0;
  int32_t nodes = 0;
  int32_t sockets = 0;
  int32_t cores = 0;
  int32_t threads = 0;
  XDR_FIELDS(model, memory, cpus, mhz, nodes, sockets, cores, threads)
};
RPC_CALL(6, NodeGetInfo, void, NodeGetInfoRet, .priority = true, .acl = {Permission::kConnectRead})

struct NodeGetCellsFreeMemoryArgs {
  int32_t startCell = 0;
  int32_t maxcells = 0;
  XDR_FIELDS(startCell, maxcells)
};
struct NodeGetCellsFreeMemoryRet {
  xdr::List<uint64_t, kNodeMaxCells> cells;
  XDR_FIELDS(cells)
};
RPC_CALL(101, NodeGetCellsFreeMemory, NodeGetCellsFreeMemoryArgs, NodeGetCellsFreeMemoryRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeGetFreeMemoryRet {
  uint64_t freeMem = 0;
  XDR_FIELDS(freeMem)
};
RPC_CALL(102, NodeGetFreeMemory, void, NodeGetFreeMemoryRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeGetSecurityModelRet {
  xdr::Chars<kSecurityModelMax> model;
  xdr::Chars<kSecurityDoiMax> doi;
  XDR_FIELDS(model, doi)
};
RPC_CALL(122, NodeGetSecurityModel, void, NodeGetSecurityModelRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeGetCpuStatsArgs {
  int32_t cpuNum = 0;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(cpuNum, nparams, flags)
};
struct NodeGetCpuStats {
  std::string field;
  uint64_t value = 0;
  XDR_FIELDS(field, value)
};
struct NodeGetCpuStatsRet {
  xdr::List<NodeGetCpuStats, kNodeCpuStatsMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(227, NodeGetCpuStats, NodeGetCpuStatsArgs, NodeGetCpuStatsRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeGetMemoryStatsArgs {
  int32_t nparams = 0;
  int32_t cellNum = 0;
  uint32_t flags = 0;
  XDR_FIELDS(nparams, cellNum, flags)
};
struct NodeGetMemoryStats {
  std::string field;
  uint64_t value = 0;
  XDR_FIELDS(field, value)
};
struct NodeGetMemoryStatsRet {
  xdr::List<NodeGetMemoryStats, kNodeMemoryStatsMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(228, NodeGetMemoryStats, NodeGetMemoryStatsArgs, NodeGetMemoryStatsRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeSuspendForDurationArgs {
  uint32_t target = 0;
  uint64_t duration = 0;
  uint32_t flags = 0;
  XDR_FIELDS(target, duration, flags)
};
RPC_CALL(250, NodeSuspendForDuration, NodeSuspendForDurationArgs, void,
         .acl = {Permission::kConnectPmControl})

struct NodeSetMemoryParametersArgs {
  xdr::List<TypedParam, kNodeMemoryParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(params, flags)
};
RPC_CALL(288, NodeSetMemoryParameters, NodeSetMemoryParametersArgs, void, .acl = {Permission::kConnectWrite})

struct NodeGetMemoryParametersArgs {
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(nparams, flags)
};
struct NodeGetMemoryParametersRet {
  xdr::List<TypedParam, kNodeMemoryParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(289, NodeGetMemoryParameters, NodeGetMemoryParametersArgs, NodeGetMemoryParametersRet,
         .acl = {Permission::kConnectRead})

struct NodeGetCpuMapArgs {
  int32_t need_map = 0;
  int32_t need_online = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_map, need_online, flags)
};
struct NodeGetCpuMapRet {
  xdr::Opaque<kCpumapMax> cpumap;
  uint32_t online = 0;
  int32_t ret = 0;
  XDR_FIELDS(cpumap, online, ret)
};
RPC_CALL(293, NodeGetCpuMap, NodeGetCpuMapArgs, NodeGetCpuMapRet, .acl = {Permission::kConnectRead})

struct NodeGetFreePagesArgs {
  xdr::List<uint32_t, kNodeMaxCells> pages;
  int32_t startCell = 0;
  uint32_t cellCount = 0;
  uint32_t flags = 0;
  XDR_FIELDS(pages, startCell, cellCount, flags)
};
struct NodeGetFreePagesRet {
  xdr::List<uint64_t, kNodeMaxCells> counts;
  XDR_FIELDS(counts)
};
RPC_CALL(340, NodeGetFreePages, NodeGetFreePagesArgs, NodeGetFreePagesRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct NodeAllocPagesArgs {
  xdr::List<uint32_t, kNodeMaxCells> pageSizes;
  xdr::List<uint64_t, kNodeMaxCells> pageCounts;
  int32_t startCell = 0;
  uint32_t cellCount = 0;
  uint32_t flags = 0;
  XDR_FIELDS(pageSizes, pageCounts, startCell, cellCount, flags)
};
struct NodeAllocPagesRet {
  int32_t ret = 0;
  XDR_FIELDS(ret)
};
RPC_CALL(347, NodeAllocPages, NodeAllocPagesArgs, NodeAllocPagesRet, .acl = {Permission::kConnectWrite})

struct NodeGetSevInfoArgs {
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(nparams, flags)
};
struct NodeGetSevInfoRet {
  xdr::List<TypedParam, kNodeSevInfoMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(395, NodeGetSevInfo, NodeGetSevInfoArgs, NodeGetSevInfoRet, .read_only = ReadOnly::kRefused,
         .acl = {Permission::kConnectRead})

}  // namespace bv::remote
