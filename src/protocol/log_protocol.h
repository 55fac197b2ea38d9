#pragma once

#include "base/uuid.h"
#include "rpc/procedure.h"
#include "rpc/xdr.h"

// virtlogd: keeps guests' log files.

namespace bv::log_protocol {

extern const rpc::Program kProgram;

using rpc::FdKind;

namespace proc {
template <int kNumber>
struct At;
}


inline constexpr uint32_t kDomainOpenLogFileTruncate = 1;

struct Domain {
  Uuid uuid;
  std::string name;
  XDR_FIELDS(uuid, name)
};
struct DomainOpenLogFileArgs {
  std::string driver;
  Domain dom;
  std::string path;
  uint32_t flags = 0;
  XDR_FIELDS(driver, dom, path, flags)
};
struct LogFilePosition {
  uint64_t inode = 0;
  uint64_t offset = 0;
  XDR_FIELDS(inode, offset)
};
struct DomainOpenLogFileRet {
  LogFilePosition pos;
  XDR_FIELDS(pos)
};
RPC_CALL(1, DomainOpenLogFile, DomainOpenLogFileArgs, DomainOpenLogFileRet, .reply_fds = FdKind::kOne)

struct DomainGetLogFilePositionArgs {
  std::string path;
  uint32_t flags = 0;
  XDR_FIELDS(path, flags)
};
struct DomainGetLogFilePositionRet {
  LogFilePosition pos;
  XDR_FIELDS(pos)
};
RPC_CALL(2, DomainGetLogFilePosition, DomainGetLogFilePositionArgs, DomainGetLogFilePositionRet)

struct DomainReadLogFileArgs {
  std::string path;
  LogFilePosition pos;
  uint64_t maxlen = 0;
  uint32_t flags = 0;
  XDR_FIELDS(path, pos, maxlen, flags)
};
struct DomainReadLogFileRet {
  std::string data;
  XDR_FIELDS(data)
};
RPC_CALL(3, DomainReadLogFile, DomainReadLogFileArgs, DomainReadLogFileRet)

struct DomainAppendLogFileArgs {
  std::string driver;
  Domain dom;
  std::string path;
  std::string message;
  uint32_t flags = 0;
  XDR_FIELDS(driver, dom, path, message, flags)
};
struct DomainAppendLogFileRet {
  int32_t ret = 0;
  XDR_FIELDS(ret)
};
RPC_CALL(4, DomainAppendLogFile, DomainAppendLogFileArgs, DomainAppendLogFileRet)

}  // namespace bv::log_protocol
