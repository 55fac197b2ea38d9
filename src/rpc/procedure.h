#pragma once

#include <cstdint>

#include "rpc/acl.h"

// What is said about a procedure beside its payloads; see src/protocol for the declarations.

namespace bv::xdr {
struct Type;
}

namespace bv::rpc {

enum class ProcedureKind : uint8_t { kCall, kEvent, kMessage };
enum class StreamKind : uint8_t { kNone, kRead /* server to client */, kWrite /* client to server */ };
// Whether a read-only connection may call it: follows from the permissions it needs, but for the
// few where the original's API layer decides otherwise.
enum class ReadOnly : uint8_t { kByPermission, kAllowed, kRefused };
enum class FdKind : uint8_t { kNone, kOne, kList };

struct ProcedureInfo {
  int32_t number = 0;
  const char* name = "";  // as the C++ type; libvirt's enumerator without prefix and underscores
  ProcedureKind kind = ProcedureKind::kCall;
  bool priority = false;  // may run in a priority slot (prio_workers)
  bool preauth = false;   // may be called before authentication
  StreamKind stream = StreamKind::kNone;
  uint32_t sparse_flag = 0;  // the bit of args.flags that enables holes in the stream
  ReadOnly read_only = ReadOnly::kByPermission;
  FdKind call_fds = FdKind::kNone;
  FdKind reply_fds = FdKind::kNone;
  AclRows acl{};
  AclRows filter{}; // what an object must grant to be listed in the reply, or named in the event
};

// A declared procedure with the run-time descriptions of its payloads; null for an empty payload.
struct Procedure {
  const ProcedureInfo* info = nullptr;
  const xdr::Type* args = nullptr;
  const xdr::Type* ret = nullptr;
  const xdr::Type* msg = nullptr;
  uint16_t flags_offset = 0;   // of args.flags and args.source, which conditions look at;
  uint16_t source_offset = 0;  // kNoOffset where there is none
  static constexpr uint16_t kNoOffset = 0xffff;
};

// A program: its procedures are numbered from 1 without gaps.
struct Program {
  uint32_t id = 0;
  uint32_t version = 0;
  const char* name = "";
  const Procedure* procedures = nullptr;
  uint32_t count = 0;

  const Procedure* Find(int32_t number) const {
    return number >= 1 && static_cast<uint32_t>(number) <= count ? &procedures[number - 1] : nullptr;
  }
};

}  // namespace bv::rpc

// Declares a procedure in the current program's namespace: `proc::NAME` with Args and Ret (void for
// an empty payload) or Msg, and its `info`, whose fields beyond the number follow as designated
// initialisers. proc::At<NUMBER> is how the program's table finds it.
#define RPC_CALL(NUMBER, NAME, ARGS, RET, ...) \
  RPC_PROCEDURE_(NUMBER, NAME, ::bv::rpc::ProcedureKind::kCall, ARGS, RET, void __VA_OPT__(,) __VA_ARGS__)
#define RPC_EVENT(NUMBER, NAME, MSG, ...) \
  RPC_PROCEDURE_(NUMBER, NAME, ::bv::rpc::ProcedureKind::kEvent, void, void, MSG __VA_OPT__(,) __VA_ARGS__)

#define RPC_PROCEDURE_(NUMBER, NAME, KIND, ARGS, RET, MSG, ...)                           \
  namespace proc {                                                                        \
  struct NAME {                                                                           \
    using Args = ARGS;                                                                    \
    using Ret = RET;                                                                      \
    using Msg = MSG;                                                                      \
    static constexpr const ::bv::rpc::Program& program() { return kProgram; }             \
    static constexpr ::bv::rpc::ProcedureInfo info{                                       \
        .number = NUMBER, .name = #NAME, .kind = KIND __VA_OPT__(,) __VA_ARGS__};         \
  };                                                                                      \
  template <>                                                                             \
  struct At<NUMBER> {                                                                     \
    using Proc = NAME;                                                                    \
  };                                                                                      \
  }
