#pragma once

#include "protocol/remote/types.h"

// Migration.

namespace bv::remote {

inline constexpr uint32_t kDomainMigrateParamListMax = 64;
inline constexpr uint32_t kMigrateCookieMax = 4194304;

struct DomainMigratePrepareArgs {
  std::optional<std::string> uri_in;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  XDR_FIELDS(uri_in, flags, dname, resource)
};
struct DomainMigratePrepareRet {
  xdr::Opaque<kMigrateCookieMax> cookie;
  std::optional<std::string> uri_out;
  XDR_FIELDS(cookie, uri_out)
};
RPC_CALL(61, DomainMigratePrepare, DomainMigratePrepareArgs, DomainMigratePrepareRet, .acl =
         {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigratePerformArgs {
  NonnullDomain dom;
  xdr::Opaque<kMigrateCookieMax> cookie;
  std::string uri;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  XDR_FIELDS(dom, cookie, uri, flags, dname, resource)
};
RPC_CALL(62, DomainMigratePerform, DomainMigratePerformArgs, void, .acl = {Permission::kDomainMigrate})

struct DomainMigrateFinishArgs {
  std::string dname;
  xdr::Opaque<kMigrateCookieMax> cookie;
  std::string uri;
  uint64_t flags = 0;
  XDR_FIELDS(dname, cookie, uri, flags)
};
struct DomainMigrateFinishRet {
  NonnullDomain ddom;
  XDR_FIELDS(ddom)
};
RPC_CALL(63, DomainMigrateFinish, DomainMigrateFinishArgs, DomainMigrateFinishRet,
         .acl = {Permission::kDomainMigrate})

struct DomainMigratePrepare2Args {
  std::optional<std::string> uri_in;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  std::string dom_xml;
  XDR_FIELDS(uri_in, flags, dname, resource, dom_xml)
};
struct DomainMigratePrepare2Ret {
  xdr::Opaque<kMigrateCookieMax> cookie;
  std::optional<std::string> uri_out;
  XDR_FIELDS(cookie, uri_out)
};
RPC_CALL(108, DomainMigratePrepare2, DomainMigratePrepare2Args, DomainMigratePrepare2Ret, .acl =
         {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigrateFinish2Args {
  std::string dname;
  xdr::Opaque<kMigrateCookieMax> cookie;
  std::string uri;
  uint64_t flags = 0;
  int32_t retcode = 0;
  XDR_FIELDS(dname, cookie, uri, flags, retcode)
};
struct DomainMigrateFinish2Ret {
  NonnullDomain ddom;
  XDR_FIELDS(ddom)
};
RPC_CALL(109, DomainMigrateFinish2, DomainMigrateFinish2Args, DomainMigrateFinish2Ret,
         .acl = {Permission::kDomainMigrate})

struct DomainMigratePrepareTunnelArgs {
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  std::string dom_xml;
  XDR_FIELDS(flags, dname, resource, dom_xml)
};
RPC_CALL(148, DomainMigratePrepareTunnel, DomainMigratePrepareTunnelArgs, void, .stream = StreamKind::kWrite,
         .acl = {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigrateSetMaxDowntimeArgs {
  NonnullDomain dom;
  uint64_t downtime = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, downtime, flags)
};
RPC_CALL(166, DomainMigrateSetMaxDowntime, DomainMigrateSetMaxDowntimeArgs, void,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateSetMaxSpeedArgs {
  NonnullDomain dom;
  uint64_t bandwidth = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, bandwidth, flags)
};
RPC_CALL(207, DomainMigrateSetMaxSpeed, DomainMigrateSetMaxSpeedArgs, void,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateBegin3Args {
  NonnullDomain dom;
  std::optional<std::string> xmlin;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  XDR_FIELDS(dom, xmlin, flags, dname, resource)
};
struct DomainMigrateBegin3Ret {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  std::string xml;
  XDR_FIELDS(cookie_out, xml)
};
RPC_CALL(213, DomainMigrateBegin3, DomainMigrateBegin3Args, DomainMigrateBegin3Ret,
         .acl = {Permission::kDomainMigrate})

struct DomainMigratePrepare3Args {
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  std::optional<std::string> uri_in;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  std::string dom_xml;
  XDR_FIELDS(cookie_in, uri_in, flags, dname, resource, dom_xml)
};
struct DomainMigratePrepare3Ret {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  std::optional<std::string> uri_out;
  XDR_FIELDS(cookie_out, uri_out)
};
RPC_CALL(214, DomainMigratePrepare3, DomainMigratePrepare3Args, DomainMigratePrepare3Ret, .acl =
         {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigratePrepareTunnel3Args {
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  std::string dom_xml;
  XDR_FIELDS(cookie_in, flags, dname, resource, dom_xml)
};
struct DomainMigratePrepareTunnel3Ret {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(cookie_out)
};
RPC_CALL(215, DomainMigratePrepareTunnel3, DomainMigratePrepareTunnel3Args, DomainMigratePrepareTunnel3Ret,
         .stream = StreamKind::kWrite, .acl = {Permission::kDomainMigrate, Permission::kDomainStart,
         Permission::kDomainWrite})

struct DomainMigratePerform3Args {
  NonnullDomain dom;
  std::optional<std::string> xmlin;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  std::optional<std::string> dconnuri;
  std::optional<std::string> uri;
  uint64_t flags = 0;
  std::optional<std::string> dname;
  uint64_t resource = 0;
  XDR_FIELDS(dom, xmlin, cookie_in, dconnuri, uri, flags, dname, resource)
};
struct DomainMigratePerform3Ret {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(cookie_out)
};
RPC_CALL(216, DomainMigratePerform3, DomainMigratePerform3Args, DomainMigratePerform3Ret,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateFinish3Args {
  std::string dname;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  std::optional<std::string> dconnuri;
  std::optional<std::string> uri;
  uint64_t flags = 0;
  int32_t cancelled = 0;
  XDR_FIELDS(dname, cookie_in, dconnuri, uri, flags, cancelled)
};
struct DomainMigrateFinish3Ret {
  NonnullDomain dom;
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(dom, cookie_out)
};
RPC_CALL(217, DomainMigrateFinish3, DomainMigrateFinish3Args, DomainMigrateFinish3Ret,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateConfirm3Args {
  NonnullDomain dom;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint64_t flags = 0;
  int32_t cancelled = 0;
  XDR_FIELDS(dom, cookie_in, flags, cancelled)
};
RPC_CALL(218, DomainMigrateConfirm3, DomainMigrateConfirm3Args, void, .acl = {Permission::kDomainMigrate})

struct DomainMigrateGetMaxSpeedArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainMigrateGetMaxSpeedRet {
  uint64_t bandwidth = 0;
  XDR_FIELDS(bandwidth)
};
RPC_CALL(242, DomainMigrateGetMaxSpeed, DomainMigrateGetMaxSpeedArgs, DomainMigrateGetMaxSpeedRet,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateGetCompressionCacheArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainMigrateGetCompressionCacheRet {
  uint64_t cacheSize = 0;
  XDR_FIELDS(cacheSize)
};
RPC_CALL(299, DomainMigrateGetCompressionCache, DomainMigrateGetCompressionCacheArgs,
         DomainMigrateGetCompressionCacheRet, .read_only = ReadOnly::kAllowed,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateSetCompressionCacheArgs {
  NonnullDomain dom;
  uint64_t cacheSize = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cacheSize, flags)
};
RPC_CALL(300, DomainMigrateSetCompressionCache, DomainMigrateSetCompressionCacheArgs, void,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateBegin3ParamsArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
struct DomainMigrateBegin3ParamsRet {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  std::string xml;
  XDR_FIELDS(cookie_out, xml)
};
RPC_CALL(302, DomainMigrateBegin3Params, DomainMigrateBegin3ParamsArgs, DomainMigrateBegin3ParamsRet,
         .acl = {Permission::kDomainMigrate})

struct DomainMigratePrepare3ParamsArgs {
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint32_t flags = 0;
  XDR_FIELDS(params, cookie_in, flags)
};
struct DomainMigratePrepare3ParamsRet {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  std::optional<std::string> uri_out;
  XDR_FIELDS(cookie_out, uri_out)
};
RPC_CALL(303, DomainMigratePrepare3Params, DomainMigratePrepare3ParamsArgs, DomainMigratePrepare3ParamsRet,
         .acl = {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigratePrepareTunnel3ParamsArgs {
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint32_t flags = 0;
  XDR_FIELDS(params, cookie_in, flags)
};
struct DomainMigratePrepareTunnel3ParamsRet {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(cookie_out)
};
RPC_CALL(304, DomainMigratePrepareTunnel3Params, DomainMigratePrepareTunnel3ParamsArgs,
         DomainMigratePrepareTunnel3ParamsRet, .stream = StreamKind::kWrite, .acl =
         {Permission::kDomainMigrate, Permission::kDomainStart, Permission::kDomainWrite})

struct DomainMigratePerform3ParamsArgs {
  NonnullDomain dom;
  std::optional<std::string> dconnuri;
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint32_t flags = 0;
  XDR_FIELDS(dom, dconnuri, params, cookie_in, flags)
};
struct DomainMigratePerform3ParamsRet {
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(cookie_out)
};
RPC_CALL(305, DomainMigratePerform3Params, DomainMigratePerform3ParamsArgs, DomainMigratePerform3ParamsRet,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateFinish3ParamsArgs {
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint32_t flags = 0;
  int32_t cancelled = 0;
  XDR_FIELDS(params, cookie_in, flags, cancelled)
};
struct DomainMigrateFinish3ParamsRet {
  NonnullDomain dom;
  xdr::Opaque<kMigrateCookieMax> cookie_out;
  XDR_FIELDS(dom, cookie_out)
};
RPC_CALL(306, DomainMigrateFinish3Params, DomainMigrateFinish3ParamsArgs, DomainMigrateFinish3ParamsRet,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateConfirm3ParamsArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainMigrateParamListMax> params;
  xdr::Opaque<kMigrateCookieMax> cookie_in;
  uint32_t flags = 0;
  int32_t cancelled = 0;
  XDR_FIELDS(dom, params, cookie_in, flags, cancelled)
};
RPC_CALL(307, DomainMigrateConfirm3Params, DomainMigrateConfirm3ParamsArgs, void,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateStartPostCopyArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(364, DomainMigrateStartPostCopy, DomainMigrateStartPostCopyArgs, void,
         .acl = {Permission::kDomainMigrate})

struct DomainMigrateGetMaxDowntimeArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainMigrateGetMaxDowntimeRet {
  uint64_t downtime = 0;
  XDR_FIELDS(downtime)
};
RPC_CALL(387, DomainMigrateGetMaxDowntime, DomainMigrateGetMaxDowntimeArgs, DomainMigrateGetMaxDowntimeRet,
         .read_only = ReadOnly::kAllowed,
         .acl = {Permission::kDomainMigrate})

}  // namespace bv::remote
