#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/uuid.h"
#include "rpc/xdr.h"
#include "rpc/xdr_codec.h"

// The framing that all programs share: a length word that counts itself, six header words, the
// number of descriptors for the two types that carry some, the payload. All big-endian.

namespace bv::rpc {

inline constexpr uint32_t kLengthSize = 4;
inline constexpr uint32_t kHeaderSize = 24;
inline constexpr uint32_t kFrameStart = kLengthSize + kHeaderSize;  // the shortest frame
inline constexpr uint32_t kMessageMax = 33554432;                   // without the length word
inline constexpr uint32_t kFrameMax = kMessageMax + kLengthSize;
inline constexpr uint32_t kPayloadMax = kMessageMax - kHeaderSize;
// What libvirt's daemon and library put into one stream packet.
inline constexpr uint32_t kStreamChunk = 262120;
inline constexpr uint32_t kFdsMax = 32;

enum class MessageType : uint32_t {
  kCall = 0,
  kReply = 1,
  kMessage = 2,  // events; keepalive
  kStream = 3,
  kCallWithFds = 4,
  kReplyWithFds = 5,
  kStreamHole = 6,
};

enum class Status : uint32_t { kOk = 0, kError = 1, kContinue = 2 };

struct Header {
  uint32_t prog = 0;
  uint32_t vers = 0;
  int32_t proc = 0;
  MessageType type = MessageType::kCall;
  uint32_t serial = 0;
  Status status = Status::kOk;
  XDR_FIELDS(prog, vers, proc, type, serial, status)

  bool operator==(const Header&) const = default;
};

struct ErrorDomainRef {
  std::string name;
  Uuid uuid;
  int32_t id = 0;
  XDR_FIELDS(name, uuid, id)
};

struct ErrorNetworkRef {
  std::string name;
  Uuid uuid;
  XDR_FIELDS(name, uuid)
};

// An Error on the wire. The daemon leaves dom and net absent.
struct ErrorMessage {
  int32_t code = 0;
  int32_t domain = 0;
  std::optional<std::string> message;
  int32_t level = 0;
  std::optional<ErrorDomainRef> dom;
  std::optional<std::string> str1;
  std::optional<std::string> str2;
  std::optional<std::string> str3;
  int32_t int1 = 0;
  int32_t int2 = 0;
  std::optional<ErrorNetworkRef> net;
  XDR_FIELDS(code, domain, message, level, dom, str1, str2, str3, int1, int2, net)
};

struct StreamHole {
  int64_t length = 0;
  uint32_t flags = 0;
  XDR_FIELDS(length, flags)
};

ErrorMessage ToMessage(const Error& error);
Error FromMessage(const ErrorMessage& message);

extern const xdr::Type& kErrorMessageType;
extern const xdr::Type& kStreamHoleType;

}  // namespace bv::rpc
