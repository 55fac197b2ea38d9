#pragma once

#include "protocol/remote/types.h"

// Memory, virtual CPUs, iothreads and the cgroup parameters of domains.

namespace bv::remote {

inline constexpr uint32_t kCpumapsMax = 8388608;
inline constexpr uint32_t kDomainBlkioParametersMax = 16;
inline constexpr uint32_t kDomainIothreadParamsMax = 64;
inline constexpr uint32_t kDomainMemoryParametersMax = 16;
inline constexpr uint32_t kDomainNumaParametersMax = 16;
inline constexpr uint32_t kDomainSchedulerParametersMax = 16;
inline constexpr uint32_t kIothreadInfoMax = 16384;
inline constexpr uint32_t kVcpuinfoMax = 16384;

struct DomainGetMaxMemoryArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetMaxMemoryRet {
  uint64_t memory = 0;
  XDR_FIELDS(memory)
};
RPC_CALL(17, DomainGetMaxMemory, DomainGetMaxMemoryArgs, DomainGetMaxMemoryRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainGetMaxVcpusArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetMaxVcpusRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(18, DomainGetMaxVcpus, DomainGetMaxVcpusArgs, DomainGetMaxVcpusRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainGetVcpusArgs {
  NonnullDomain dom;
  int32_t maxinfo = 0;
  int32_t maplen = 0;
  XDR_FIELDS(dom, maxinfo, maplen)
};
struct VcpuInfo {
  uint32_t number = 0;
  int32_t state = 0;
  uint64_t cpu_time = 0;
  int32_t cpu = 0;
  XDR_FIELDS(number, state, cpu_time, cpu)
};
struct DomainGetVcpusRet {
  xdr::List<VcpuInfo, kVcpuinfoMax> info;
  xdr::Opaque<kCpumapsMax> cpumaps;
  XDR_FIELDS(info, cpumaps)
};
RPC_CALL(20, DomainGetVcpus, DomainGetVcpusArgs, DomainGetVcpusRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainPinVcpuArgs {
  NonnullDomain dom;
  uint32_t vcpu = 0;
  xdr::Opaque<kCpumapMax> cpumap;
  XDR_FIELDS(dom, vcpu, cpumap)
};
RPC_CALL(26, DomainPinVcpu, DomainPinVcpuArgs, void, .acl = {Permission::kDomainWrite})

struct DomainSetMaxMemoryArgs {
  NonnullDomain dom;
  uint64_t memory = 0;
  XDR_FIELDS(dom, memory)
};
RPC_CALL(30, DomainSetMaxMemory, DomainSetMaxMemoryArgs, void, .priority = true,
         .acl = {Permission::kDomainWrite})

struct DomainSetMemoryArgs {
  NonnullDomain dom;
  uint64_t memory = 0;
  XDR_FIELDS(dom, memory)
};
RPC_CALL(31, DomainSetMemory, DomainSetMemoryArgs, void, .acl = {Permission::kDomainWrite})

struct DomainSetVcpusArgs {
  NonnullDomain dom;
  uint32_t nvcpus = 0;
  XDR_FIELDS(dom, nvcpus)
};
RPC_CALL(32, DomainSetVcpus, DomainSetVcpusArgs, void, .acl = {Permission::kDomainWrite})

struct DomainGetSchedulerTypeArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetSchedulerTypeRet {
  std::string type;
  int32_t nparams = 0;
  XDR_FIELDS(type, nparams)
};
RPC_CALL(56, DomainGetSchedulerType, DomainGetSchedulerTypeArgs, DomainGetSchedulerTypeRet,
         .acl = {Permission::kDomainRead})

struct DomainGetSchedulerParametersArgs {
  NonnullDomain dom;
  int32_t nparams = 0;
  XDR_FIELDS(dom, nparams)
};
struct DomainGetSchedulerParametersRet {
  xdr::List<TypedParam, kDomainSchedulerParametersMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(57, DomainGetSchedulerParameters, DomainGetSchedulerParametersArgs, DomainGetSchedulerParametersRet,
         .acl = {Permission::kDomainRead})

struct DomainSetSchedulerParametersArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainSchedulerParametersMax> params;
  XDR_FIELDS(dom, params)
};
RPC_CALL(58, DomainSetSchedulerParameters, DomainSetSchedulerParametersArgs, void,
         .read_only = ReadOnly::kRefused,
         .acl = {Permission::kDomainRead})

struct DomainSetMemoryParametersArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainMemoryParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(197, DomainSetMemoryParameters, DomainSetMemoryParametersArgs, void, .acl = kModifyDomain)

struct DomainGetMemoryParametersArgs {
  NonnullDomain dom;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nparams, flags)
};
struct DomainGetMemoryParametersRet {
  xdr::List<TypedParam, kDomainMemoryParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(198, DomainGetMemoryParameters, DomainGetMemoryParametersArgs, DomainGetMemoryParametersRet,
         .acl = {Permission::kDomainRead})

struct DomainSetVcpusFlagsArgs {
  NonnullDomain dom;
  uint32_t nvcpus = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nvcpus, flags)
};
RPC_CALL(199, DomainSetVcpusFlags, DomainSetVcpusFlagsArgs, void, .acl = {Permission::kDomainWrite,
         IfClear(Permission::kDomainSave, kAffectConfig | kAffectLive), IfSet(Permission::kDomainSave,
         kAffectConfig), IfSet(Permission::kDomainWrite, kDomainVcpuGuest)})

struct DomainGetVcpusFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetVcpusFlagsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(200, DomainGetVcpusFlags, DomainGetVcpusFlagsArgs, DomainGetVcpusFlagsRet,
         .acl = {Permission::kDomainRead, IfSet(Permission::kDomainWrite, kDomainVcpuGuest)})

struct DomainSetMemoryFlagsArgs {
  NonnullDomain dom;
  uint64_t memory = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, memory, flags)
};
RPC_CALL(204, DomainSetMemoryFlags, DomainSetMemoryFlagsArgs, void, .acl = kModifyDomain)

struct DomainSetBlkioParametersArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainBlkioParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(205, DomainSetBlkioParameters, DomainSetBlkioParametersArgs, void, .acl = kModifyDomain)

struct DomainGetBlkioParametersArgs {
  NonnullDomain dom;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nparams, flags)
};
struct DomainGetBlkioParametersRet {
  xdr::List<TypedParam, kDomainBlkioParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(206, DomainGetBlkioParameters, DomainGetBlkioParametersArgs, DomainGetBlkioParametersRet,
         .acl = {Permission::kDomainRead})

struct DomainSetSchedulerParametersFlagsArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainSchedulerParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(219, DomainSetSchedulerParametersFlags, DomainSetSchedulerParametersFlagsArgs, void,
         .acl = kModifyDomain)

struct DomainGetSchedulerParametersFlagsArgs {
  NonnullDomain dom;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nparams, flags)
};
struct DomainGetSchedulerParametersFlagsRet {
  xdr::List<TypedParam, kDomainSchedulerParametersMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(223, DomainGetSchedulerParametersFlags, DomainGetSchedulerParametersFlagsArgs,
         DomainGetSchedulerParametersFlagsRet, .acl = {Permission::kDomainRead})

struct DomainPinVcpuFlagsArgs {
  NonnullDomain dom;
  uint32_t vcpu = 0;
  xdr::Opaque<kCpumapMax> cpumap;
  uint32_t flags = 0;
  XDR_FIELDS(dom, vcpu, cpumap, flags)
};
RPC_CALL(225, DomainPinVcpuFlags, DomainPinVcpuFlagsArgs, void, .acl = kModifyDomain)

struct DomainGetVcpuPinInfoArgs {
  NonnullDomain dom;
  int32_t ncpumaps = 0;
  int32_t maplen = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, ncpumaps, maplen, flags)
};
struct DomainGetVcpuPinInfoRet {
  xdr::Opaque<kCpumapsMax> cpumaps;
  int32_t num = 0;
  XDR_FIELDS(cpumaps, num)
};
RPC_CALL(230, DomainGetVcpuPinInfo, DomainGetVcpuPinInfoArgs, DomainGetVcpuPinInfoRet,
         .acl = {Permission::kDomainRead})

struct DomainSetNumaParametersArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainNumaParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(254, DomainSetNumaParameters, DomainSetNumaParametersArgs, void, .acl = kModifyDomain)

struct DomainGetNumaParametersArgs {
  NonnullDomain dom;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, nparams, flags)
};
struct DomainGetNumaParametersRet {
  xdr::List<TypedParam, kDomainNumaParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(255, DomainGetNumaParameters, DomainGetNumaParametersArgs, DomainGetNumaParametersRet,
         .acl = {Permission::kDomainRead})

struct DomainPinEmulatorArgs {
  NonnullDomain dom;
  xdr::Opaque<kCpumapMax> cpumap;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cpumap, flags)
};
RPC_CALL(279, DomainPinEmulator, DomainPinEmulatorArgs, void, .acl = kModifyDomain)

struct DomainGetEmulatorPinInfoArgs {
  NonnullDomain dom;
  int32_t maplen = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, maplen, flags)
};
struct DomainGetEmulatorPinInfoRet {
  xdr::Opaque<kCpumapsMax> cpumaps;
  int32_t ret = 0;
  XDR_FIELDS(cpumaps, ret)
};
RPC_CALL(280, DomainGetEmulatorPinInfo, DomainGetEmulatorPinInfoArgs, DomainGetEmulatorPinInfoRet,
         .acl = {Permission::kDomainRead})

struct DomainGetIothreadInfoArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainIothreadInfo {
  uint32_t iothread_id = 0;
  xdr::Opaque<kCpumapMax> cpumap;
  XDR_FIELDS(iothread_id, cpumap)
};
struct DomainGetIothreadInfoRet {
  xdr::List<DomainIothreadInfo, kIothreadInfoMax> info;
  uint32_t ret = 0;
  XDR_FIELDS(info, ret)
};
RPC_CALL(351, DomainGetIothreadInfo, DomainGetIothreadInfoArgs, DomainGetIothreadInfoRet,
         .acl = {Permission::kDomainRead})

struct DomainPinIothreadArgs {
  NonnullDomain dom;
  uint32_t iothreads_id = 0;
  xdr::Opaque<kCpumapMax> cpumap;
  uint32_t flags = 0;
  XDR_FIELDS(dom, iothreads_id, cpumap, flags)
};
RPC_CALL(352, DomainPinIothread, DomainPinIothreadArgs, void, .acl = kModifyDomain)

struct DomainAddIothreadArgs {
  NonnullDomain dom;
  uint32_t iothread_id = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, iothread_id, flags)
};
RPC_CALL(355, DomainAddIothread, DomainAddIothreadArgs, void, .acl = kModifyDomain)

struct DomainDelIothreadArgs {
  NonnullDomain dom;
  uint32_t iothread_id = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, iothread_id, flags)
};
RPC_CALL(356, DomainDelIothread, DomainDelIothreadArgs, void, .acl = kModifyDomain)

struct DomainSetVcpuArgs {
  NonnullDomain dom;
  std::string cpumap;
  int32_t state = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cpumap, state, flags)
};
RPC_CALL(384, DomainSetVcpu, DomainSetVcpuArgs, void, .acl = kModifyDomain)

struct DomainSetIothreadParamsArgs {
  NonnullDomain dom;
  uint32_t iothread_id = 0;
  xdr::List<TypedParam, kDomainIothreadParamsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, iothread_id, params, flags)
};
RPC_CALL(402, DomainSetIothreadParams, DomainSetIothreadParamsArgs, void, .acl = kModifyDomain)

}  // namespace bv::remote
