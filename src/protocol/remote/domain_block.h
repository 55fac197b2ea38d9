#pragma once

#include "protocol/remote/types.h"

// Block jobs, block devices and their limits.

namespace bv::remote {

inline constexpr uint32_t kDomainBlockCopyParametersMax = 16;
inline constexpr uint32_t kDomainBlockIoTuneParametersMax = 32;
inline constexpr uint32_t kDomainBlockPeekBufferMax = 4194304;
inline constexpr uint32_t kDomainDiskErrorsMax = 256;

struct DomainBlockPeekArgs {
  NonnullDomain dom;
  std::string path;
  uint64_t offset = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, offset, size, flags)
};
struct DomainBlockPeekRet {
  xdr::Opaque<kDomainBlockPeekBufferMax> buffer;
  XDR_FIELDS(buffer)
};
RPC_CALL(103, DomainBlockPeek, DomainBlockPeekArgs, DomainBlockPeekRet, .acl = {Permission::kDomainBlockRead})

struct DomainGetBlockInfoArgs {
  NonnullDomain dom;
  std::string path;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, flags)
};
struct DomainGetBlockInfoRet {
  uint64_t allocation = 0;
  uint64_t capacity = 0;
  uint64_t physical = 0;
  XDR_FIELDS(allocation, capacity, physical)
};
RPC_CALL(194, DomainGetBlockInfo, DomainGetBlockInfoArgs, DomainGetBlockInfoRet,
         .acl = {Permission::kDomainRead})

struct DomainBlockJobAbortArgs {
  NonnullDomain dom;
  std::string path;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, flags)
};
RPC_CALL(237, DomainBlockJobAbort, DomainBlockJobAbortArgs, void, .acl = {Permission::kDomainWrite})

struct DomainGetBlockJobInfoArgs {
  NonnullDomain dom;
  std::string path;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, flags)
};
struct DomainGetBlockJobInfoRet {
  int32_t found = 0;
  int32_t type = 0;
  uint64_t bandwidth = 0;
  uint64_t cur = 0;
  uint64_t end = 0;
  XDR_FIELDS(found, type, bandwidth, cur, end)
};
RPC_CALL(238, DomainGetBlockJobInfo, DomainGetBlockJobInfoArgs, DomainGetBlockJobInfoRet,
         .acl = {Permission::kDomainRead})

struct DomainBlockJobSetSpeedArgs {
  NonnullDomain dom;
  std::string path;
  uint64_t bandwidth = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, bandwidth, flags)
};
RPC_CALL(239, DomainBlockJobSetSpeed, DomainBlockJobSetSpeedArgs, void, .acl = {Permission::kDomainWrite})

struct DomainBlockPullArgs {
  NonnullDomain dom;
  std::string path;
  uint64_t bandwidth = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, bandwidth, flags)
};
RPC_CALL(240, DomainBlockPull, DomainBlockPullArgs, void, .acl = {Permission::kDomainBlockWrite})

struct DomainBlockResizeArgs {
  NonnullDomain dom;
  std::string disk;
  uint64_t size = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, disk, size, flags)
};
RPC_CALL(251, DomainBlockResize, DomainBlockResizeArgs, void, .acl = {Permission::kDomainBlockWrite})

struct DomainSetBlockIoTuneArgs {
  NonnullDomain dom;
  std::string disk;
  xdr::List<TypedParam, kDomainBlockIoTuneParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, disk, params, flags)
};
RPC_CALL(252, DomainSetBlockIoTune, DomainSetBlockIoTuneArgs, void, .acl = kModifyDomain)

struct DomainGetBlockIoTuneArgs {
  NonnullDomain dom;
  std::optional<std::string> disk;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, disk, nparams, flags)
};
struct DomainGetBlockIoTuneRet {
  xdr::List<TypedParam, kDomainBlockIoTuneParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(253, DomainGetBlockIoTune, DomainGetBlockIoTuneArgs, DomainGetBlockIoTuneRet,
         .acl = {Permission::kDomainRead})

struct DomainGetDiskErrorsArgs {
  NonnullDomain dom;
  uint32_t maxerrors = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, maxerrors, flags)
};
struct DomainDiskError {
  std::string disk;
  int32_t error = 0;
  XDR_FIELDS(disk, error)
};
struct DomainGetDiskErrorsRet {
  xdr::List<DomainDiskError, kDomainDiskErrorsMax> errors;
  int32_t nerrors = 0;
  XDR_FIELDS(errors, nerrors)
};
RPC_CALL(263, DomainGetDiskErrors, DomainGetDiskErrorsArgs, DomainGetDiskErrorsRet,
         .acl = {Permission::kDomainRead})

struct DomainBlockRebaseArgs {
  NonnullDomain dom;
  std::string path;
  std::optional<std::string> base;
  uint64_t bandwidth = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, base, bandwidth, flags)
};
RPC_CALL(266, DomainBlockRebase, DomainBlockRebaseArgs, void, .acl = {Permission::kDomainBlockWrite})

struct DomainBlockCommitArgs {
  NonnullDomain dom;
  std::string disk;
  std::optional<std::string> base;
  std::optional<std::string> top;
  uint64_t bandwidth = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, disk, base, top, bandwidth, flags)
};
RPC_CALL(290, DomainBlockCommit, DomainBlockCommitArgs, void, .acl = {Permission::kDomainBlockWrite})

struct DomainBlockCopyArgs {
  NonnullDomain dom;
  std::string path;
  std::string destxml;
  xdr::List<TypedParam, kDomainBlockCopyParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, path, destxml, params, flags)
};
RPC_CALL(345, DomainBlockCopy, DomainBlockCopyArgs, void, .acl = {Permission::kDomainBlockWrite})

struct DomainSetBlockThresholdArgs {
  NonnullDomain dom;
  std::string dev;
  uint64_t threshold = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, dev, threshold, flags)
};
RPC_CALL(386, DomainSetBlockThreshold, DomainSetBlockThresholdArgs, void, .acl = {Permission::kDomainWrite})

struct DomainSetThrottleGroupArgs {
  NonnullDomain dom;
  std::string group;
  xdr::List<TypedParam, kDomainBlockIoTuneParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, group, params, flags)
};
RPC_CALL(451, DomainSetThrottleGroup, DomainSetThrottleGroupArgs, void, .acl = kModifyDomain)

struct DomainDelThrottleGroupArgs {
  NonnullDomain dom;
  std::optional<std::string> group;
  uint32_t flags = 0;
  XDR_FIELDS(dom, group, flags)
};
RPC_CALL(452, DomainDelThrottleGroup, DomainDelThrottleGroupArgs, void, .acl = kModifyDomain)

}  // namespace bv::remote
