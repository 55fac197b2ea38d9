#pragma once

#include "protocol/remote/types.h"

// Authentication, and the identity that a proxy passes on.

namespace bv::remote {

inline constexpr uint32_t kAuthSaslDataMax = 65536;
inline constexpr uint32_t kAuthTypeListMax = 20;
inline constexpr uint32_t kConnectIdentityParamsMax = 20;

enum class AuthType : int32_t { kNone = 0, kSasl = 1, kPolkit = 2 };

struct AuthListRet {
  xdr::List<AuthType, kAuthTypeListMax> types;
  XDR_FIELDS(types)
};
RPC_CALL(66, AuthList, void, AuthListRet, .priority = true, .preauth = true)

struct AuthSaslInitRet {
  std::string mechlist;
  XDR_FIELDS(mechlist)
};
RPC_CALL(67, AuthSaslInit, void, AuthSaslInitRet, .priority = true, .preauth = true)

struct AuthSaslStartArgs {
  std::string mech;
  int32_t nil = 0;
  xdr::Chars<kAuthSaslDataMax> data;
  XDR_FIELDS(mech, nil, data)
};
struct AuthSaslStartRet {
  int32_t complete = 0;
  int32_t nil = 0;
  xdr::Chars<kAuthSaslDataMax> data;
  XDR_FIELDS(complete, nil, data)
};
RPC_CALL(68, AuthSaslStart, AuthSaslStartArgs, AuthSaslStartRet, .priority = true, .preauth = true)

struct AuthSaslStepArgs {
  int32_t nil = 0;
  xdr::Chars<kAuthSaslDataMax> data;
  XDR_FIELDS(nil, data)
};
struct AuthSaslStepRet {
  int32_t complete = 0;
  int32_t nil = 0;
  xdr::Chars<kAuthSaslDataMax> data;
  XDR_FIELDS(complete, nil, data)
};
RPC_CALL(69, AuthSaslStep, AuthSaslStepArgs, AuthSaslStepRet, .priority = true, .preauth = true)

struct AuthPolkitRet {
  int32_t complete = 0;
  XDR_FIELDS(complete)
};
RPC_CALL(70, AuthPolkit, void, AuthPolkitRet, .priority = true, .preauth = true)

struct ConnectSetIdentityArgs {
  xdr::List<TypedParam, kConnectIdentityParamsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(params, flags)
};
RPC_CALL(419, ConnectSetIdentity, ConnectSetIdentityArgs, void, .read_only = ReadOnly::kAllowed,
         .acl = {Permission::kConnectWrite})

}  // namespace bv::remote
