#pragma once

#include "protocol/remote/types.h"

// Statistics, jobs and what can be watched of a domain.

namespace bv::remote {

inline constexpr uint32_t kConnectGetAllDomainStatsMax = 262144;
inline constexpr uint32_t kDomainBlockStatsParametersMax = 16;
inline constexpr uint32_t kDomainGetCpuStatsMax = 2048;
inline constexpr uint32_t kDomainMemoryPeekBufferMax = 4194304;
inline constexpr uint32_t kDomainMemoryStatsMax = 1024;
inline constexpr uint32_t kDomainMessagesMax = 2048;
inline constexpr uint32_t kDomainPerfEventsMax = 64;

struct DomainBlockStatsArgs {
  NonnullDomain dom;
  std::string path;
  XDR_FIELDS(dom, path)
};
struct DomainBlockStatsRet {
  int64_t rd_req = 0;
  int64_t rd_bytes = 0;
  int64_t wr_req = 0;
  int64_t wr_bytes = 0;
  int64_t errs = 0;
  XDR_FIELDS(rd_req, rd_bytes, wr_req, wr_bytes, errs)
};
RPC_CALL(64, DomainBlockStats, DomainBlockStatsArgs, DomainBlockStatsRet, .acl = {Permission::kDomainRead})

struct DomainInterfaceStatsArgs {
  NonnullDomain dom;
  std::string device;
  XDR_FIELDS(dom, device)
};
struct DomainInterfaceStatsRet {
  int64_t rx_bytes = 0;
  int64_t rx_packets = 0;
  int64_t rx_errs = 0;
  int64_t rx_drop = 0;
  int64_t tx_bytes = 0;
  int64_t tx_packets = 0;
  int64_t tx_errs = 0;
  int64_t tx_drop = 0;
  XDR_FIELDS(rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop)
};
RPC_CALL(65, DomainInterfaceStats, DomainInterfaceStatsArgs, DomainInterfaceStatsRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainMemoryPeekArgs {
  NonnullDomain dom;
  uint64_t offset = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, offset, size, flags)
};
struct DomainMemoryPeekRet {
  xdr::Opaque<kDomainMemoryPeekBufferMax> buffer;
  XDR_FIELDS(buffer)
};
RPC_CALL(104, DomainMemoryPeek, DomainMemoryPeekArgs, DomainMemoryPeekRet,
         .acl = {Permission::kDomainMemRead})

struct DomainMemoryStatsArgs {
  NonnullDomain dom;
  uint32_t maxStats = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, maxStats, flags)
};
struct DomainMemoryStat {
  int32_t tag = 0;
  uint64_t val = 0;
  XDR_FIELDS(tag, val)
};
struct DomainMemoryStatsRet {
  xdr::List<DomainMemoryStat, kDomainMemoryStatsMax> stats;
  XDR_FIELDS(stats)
};
RPC_CALL(159, DomainMemoryStats, DomainMemoryStatsArgs, DomainMemoryStatsRet,
         .acl = {Permission::kDomainRead})

struct DomainGetJobInfoArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetJobInfoRet {
  int32_t type = 0;
  uint64_t timeElapsed = 0;
  uint64_t timeRemaining = 0;
  uint64_t dataTotal = 0;
  uint64_t dataProcessed = 0;
  uint64_t dataRemaining = 0;
  uint64_t memTotal = 0;
  uint64_t memProcessed = 0;
  uint64_t memRemaining = 0;
  uint64_t fileTotal = 0;
  uint64_t fileProcessed = 0;
  uint64_t fileRemaining = 0;
  XDR_FIELDS(type, timeElapsed, timeRemaining, dataTotal, dataProcessed, dataRemaining, memTotal,
             memProcessed, memRemaining, fileTotal, fileProcessed, fileRemaining)
};
RPC_CALL(163, DomainGetJobInfo, DomainGetJobInfoArgs, DomainGetJobInfoRet, .acl = {Permission::kDomainRead})

struct DomainAbortJobArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(164, DomainAbortJob, DomainAbortJobArgs, void, .acl = {Permission::kDomainWrite})

struct DomainBlockStatsFlagsArgs {
  NonnullDomain dom;
  std::string path;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, nparams, flags)
};
struct DomainBlockStatsFlagsRet {
  xdr::List<TypedParam, kDomainBlockStatsParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(243, DomainBlockStatsFlags, DomainBlockStatsFlagsArgs, DomainBlockStatsFlagsRet,
         .acl = {Permission::kDomainRead})

struct DomainGetCpuStatsArgs {
  NonnullDomain dom;
  uint32_t nparams = 0;
  int32_t start_cpu = 0;
  uint32_t ncpus = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nparams, start_cpu, ncpus, flags)
};
struct DomainGetCpuStatsRet {
  xdr::List<TypedParam, kDomainGetCpuStatsMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(262, DomainGetCpuStats, DomainGetCpuStatsArgs, DomainGetCpuStatsRet,
         .acl = {Permission::kDomainRead})

struct DomainGetJobStatsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetJobStatsRet {
  int32_t type = 0;
  xdr::List<TypedParam, kDomainJobStatsMax> params;
  XDR_FIELDS(type, params)
};
RPC_CALL(298, DomainGetJobStats, DomainGetJobStatsArgs, DomainGetJobStatsRet,
         .acl = {Permission::kDomainRead})

struct DomainSetMemoryStatsPeriodArgs {
  NonnullDomain dom;
  int32_t period = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, period, flags)
};
RPC_CALL(308, DomainSetMemoryStatsPeriod, DomainSetMemoryStatsPeriodArgs, void, .acl = kModifyDomain)

struct ConnectGetAllDomainStatsArgs {
  xdr::List<NonnullDomain, kDomainListMax> doms;
  uint32_t stats = 0;
  uint32_t flags = 0;
  XDR_FIELDS(doms, stats, flags)
};
struct DomainStatsRecord {
  NonnullDomain dom;
  xdr::List<TypedParam, kConnectGetAllDomainStatsMax> params;
  XDR_FIELDS(dom, params)
};
struct ConnectGetAllDomainStatsRet {
  xdr::List<DomainStatsRecord, kDomainListMax> retStats;
  XDR_FIELDS(retStats)
};
RPC_CALL(344, ConnectGetAllDomainStats, ConnectGetAllDomainStatsArgs, ConnectGetAllDomainStatsRet,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainRead})

struct DomainGetPerfEventsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetPerfEventsRet {
  xdr::List<TypedParam, kDomainPerfEventsMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(365, DomainGetPerfEvents, DomainGetPerfEventsArgs, DomainGetPerfEventsRet,
         .acl = {Permission::kDomainRead})

struct DomainSetPerfEventsArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainPerfEventsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(366, DomainSetPerfEvents, DomainSetPerfEventsArgs, void, .acl = {Permission::kDomainWrite})

struct DomainGetMessagesArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetMessagesRet {
  xdr::List<std::string, kDomainMessagesMax> msgs;
  XDR_FIELDS(msgs)
};
RPC_CALL(426, DomainGetMessages, DomainGetMessagesArgs, DomainGetMessagesRet,
         .acl = {Permission::kDomainRead})

struct DomainStartDirtyRateCalcArgs {
  NonnullDomain dom;
  int32_t seconds = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, seconds, flags)
};
RPC_CALL(427, DomainStartDirtyRateCalc, DomainStartDirtyRateCalcArgs, void, .acl = {Permission::kDomainWrite})

struct DomainAbortJobFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(442, DomainAbortJobFlags, DomainAbortJobFlagsArgs, void, .acl = {Permission::kDomainWrite})

}  // namespace bv::remote
