#pragma once

#include "protocol/remote/types.h"

// Saving to and restoring from files, managed save, core dumps.

namespace bv::remote {

inline constexpr uint32_t kDomainSaveParamsMax = 64;

struct DomainCoreDumpArgs {
  NonnullDomain dom;
  std::string to;
  uint32_t flags = 0;
  XDR_FIELDS(dom, to, flags)
};
RPC_CALL(53, DomainCoreDump, DomainCoreDumpArgs, void, .acl = {Permission::kDomainCoreDump})

struct DomainRestoreArgs {
  std::string from;
  XDR_FIELDS(from)
};
RPC_CALL(54, DomainRestore, DomainRestoreArgs, void,
         .acl = {Permission::kDomainStart, Permission::kDomainWrite})

struct DomainSaveArgs {
  NonnullDomain dom;
  std::string to;
  XDR_FIELDS(dom, to)
};
RPC_CALL(55, DomainSave, DomainSaveArgs, void, .acl = {Permission::kDomainHibernate})

struct DomainManagedSaveArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(182, DomainManagedSave, DomainManagedSaveArgs, void, .acl = {Permission::kDomainHibernate})

struct DomainHasManagedSaveImageArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainHasManagedSaveImageRet {
  int32_t result = 0;
  XDR_FIELDS(result)
};
RPC_CALL(183, DomainHasManagedSaveImage, DomainHasManagedSaveImageArgs, DomainHasManagedSaveImageRet,
         .acl = {Permission::kDomainRead})

struct DomainManagedSaveRemoveArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(184, DomainManagedSaveRemove, DomainManagedSaveRemoveArgs, void,
         .acl = {Permission::kDomainHibernate})

struct DomainSaveFlagsArgs {
  NonnullDomain dom;
  std::string to;
  std::optional<std::string> dxml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, to, dxml, flags)
};
RPC_CALL(232, DomainSaveFlags, DomainSaveFlagsArgs, void, .acl = {Permission::kDomainHibernate})

struct DomainRestoreFlagsArgs {
  std::string from;
  std::optional<std::string> dxml;
  uint32_t flags = 0;
  XDR_FIELDS(from, dxml, flags)
};
RPC_CALL(233, DomainRestoreFlags, DomainRestoreFlagsArgs, void,
         .acl = {Permission::kDomainStart, Permission::kDomainWrite})

struct DomainSaveImageGetXmlDescArgs {
  std::string file;
  uint32_t flags = 0;
  XDR_FIELDS(file, flags)
};
struct DomainSaveImageGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(235, DomainSaveImageGetXmlDesc, DomainSaveImageGetXmlDescArgs, DomainSaveImageGetXmlDescRet,
         .priority = true, .acl = {Permission::kDomainWrite})

struct DomainSaveImageDefineXmlArgs {
  std::string file;
  std::string dxml;
  uint32_t flags = 0;
  XDR_FIELDS(file, dxml, flags)
};
RPC_CALL(236, DomainSaveImageDefineXml, DomainSaveImageDefineXmlArgs, void, .priority = true,
         .acl = {Permission::kDomainWrite, Permission::kDomainHibernate})

struct DomainCoreDumpWithFormatArgs {
  NonnullDomain dom;
  std::string to;
  uint32_t dumpformat = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, to, dumpformat, flags)
};
RPC_CALL(334, DomainCoreDumpWithFormat, DomainCoreDumpWithFormatArgs, void,
         .acl = {Permission::kDomainCoreDump})

struct DomainManagedSaveGetXmlDescArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainManagedSaveGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(388, DomainManagedSaveGetXmlDesc, DomainManagedSaveGetXmlDescArgs, DomainManagedSaveGetXmlDescRet,
         .acl = {Permission::kDomainRead, IfSet(Permission::kDomainReadSecure, kDomainSaveImageXmlSecure)})

struct DomainManagedSaveDefineXmlArgs {
  NonnullDomain dom;
  std::optional<std::string> dxml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, dxml, flags)
};
RPC_CALL(389, DomainManagedSaveDefineXml, DomainManagedSaveDefineXmlArgs, void,
         .acl = {Permission::kDomainWrite, Permission::kDomainHibernate})

struct DomainSaveParamsArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainSaveParamsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(440, DomainSaveParams, DomainSaveParamsArgs, void, .acl = {Permission::kDomainHibernate})

struct DomainRestoreParamsArgs {
  xdr::List<TypedParam, kDomainSaveParamsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(params, flags)
};
RPC_CALL(441, DomainRestoreParams, DomainRestoreParamsArgs, void,
         .acl = {Permission::kDomainStart, Permission::kDomainWrite})

}  // namespace bv::remote
