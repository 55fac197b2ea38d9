#pragma once

#include "base/uuid.h"
#include "rpc/procedure.h"
#include "rpc/xdr.h"

// virtlockd: leases on disks.

namespace bv::lock_protocol {

extern const rpc::Program kProgram;

namespace proc {
template <int kNumber>
struct At;
}

inline constexpr uint32_t kStringMax = 65536;

struct Owner {
  Uuid uuid;
  xdr::Text<kStringMax> name;
  uint32_t id = 0;
  uint32_t pid = 0;
  XDR_FIELDS(uuid, name, id, pid)
};
struct RegisterArgs {
  Owner owner;
  uint32_t flags = 0;
  XDR_FIELDS(owner, flags)
};
RPC_CALL(1, Register, RegisterArgs, void)

struct RestrictArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
RPC_CALL(2, Restrict, RestrictArgs, void)

struct NewArgs {
  xdr::Text<kStringMax> path;
  uint32_t flags = 0;
  XDR_FIELDS(path, flags)
};
RPC_CALL(3, New, NewArgs, void)

struct CreateResourceArgs {
  xdr::Text<kStringMax> path;
  xdr::Text<kStringMax> name;
  uint32_t flags = 0;
  XDR_FIELDS(path, name, flags)
};
RPC_CALL(4, CreateResource, CreateResourceArgs, void)

struct DeleteResourceArgs {
  xdr::Text<kStringMax> path;
  xdr::Text<kStringMax> name;
  uint32_t flags = 0;
  XDR_FIELDS(path, name, flags)
};
RPC_CALL(5, DeleteResource, DeleteResourceArgs, void)

struct AcquireResourceArgs {
  xdr::Text<kStringMax> path;
  xdr::Text<kStringMax> name;
  uint32_t flags = 0;
  XDR_FIELDS(path, name, flags)
};
RPC_CALL(6, AcquireResource, AcquireResourceArgs, void)

struct ReleaseResourceArgs {
  xdr::Text<kStringMax> path;
  xdr::Text<kStringMax> name;
  uint32_t flags = 0;
  XDR_FIELDS(path, name, flags)
};
RPC_CALL(7, ReleaseResource, ReleaseResourceArgs, void)

struct CreateLockSpaceArgs {
  xdr::Text<kStringMax> path;
  XDR_FIELDS(path)
};
RPC_CALL(8, CreateLockspace, CreateLockSpaceArgs, void)

}  // namespace bv::lock_protocol
