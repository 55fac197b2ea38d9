#pragma once

#include "protocol/remote/types.h"

// Network filters and their bindings.

namespace bv::remote {

inline constexpr uint32_t kNwfilterBindingListMax = 16384;
inline constexpr uint32_t kNwfilterListMax = 16384;

struct NwfilterLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NwfilterLookupByNameRet {
  NonnullNwfilter nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(175, NwfilterLookupByName, NwfilterLookupByNameArgs, NwfilterLookupByNameRet, .priority = true,
         .acl = {Permission::kNwfilterGetattr})

struct NwfilterLookupByUuidArgs {
  Uuid uuid;
  XDR_FIELDS(uuid)
};
struct NwfilterLookupByUuidRet {
  NonnullNwfilter nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(176, NwfilterLookupByUuid, NwfilterLookupByUuidArgs, NwfilterLookupByUuidRet, .priority = true,
         .acl = {Permission::kNwfilterGetattr})

struct NwfilterGetXmlDescArgs {
  NonnullNwfilter nwfilter;
  uint32_t flags = 0;
  XDR_FIELDS(nwfilter, flags)
};
struct NwfilterGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(177, NwfilterGetXmlDesc, NwfilterGetXmlDescArgs, NwfilterGetXmlDescRet, .priority = true,
         .acl = {Permission::kNwfilterRead})

struct ConnectNumOfNwfiltersRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(178, ConnectNumOfNwfilters, void, ConnectNumOfNwfiltersRet, .priority = true,
         .acl = {Permission::kConnectSearchNwfilters}, .filter = {Permission::kNwfilterGetattr})

struct ConnectListNwfiltersArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListNwfiltersRet {
  xdr::List<std::string, kNwfilterListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(179, ConnectListNwfilters, ConnectListNwfiltersArgs, ConnectListNwfiltersRet, .priority = true,
         .acl = {Permission::kConnectSearchNwfilters}, .filter = {Permission::kNwfilterGetattr})

struct NwfilterDefineXmlArgs {
  std::string xml;
  XDR_FIELDS(xml)
};
struct NwfilterDefineXmlRet {
  NonnullNwfilter nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(180, NwfilterDefineXml, NwfilterDefineXmlArgs, NwfilterDefineXmlRet, .priority = true,
         .acl = {Permission::kNwfilterWrite, Permission::kNwfilterSave})

struct NwfilterUndefineArgs {
  NonnullNwfilter nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(181, NwfilterUndefine, NwfilterUndefineArgs, void, .priority = true,
         .acl = {Permission::kNwfilterDelete})

struct ConnectListAllNwfiltersArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllNwfiltersRet {
  xdr::List<NonnullNwfilter, kNwfilterListMax> filters;
  uint32_t ret = 0;
  XDR_FIELDS(filters, ret)
};
RPC_CALL(286, ConnectListAllNwfilters, ConnectListAllNwfiltersArgs, ConnectListAllNwfiltersRet,
         .priority = true, .acl = {Permission::kConnectSearchNwfilters},
         .filter = {Permission::kNwfilterGetattr})

struct NwfilterBindingLookupByPortDevArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NwfilterBindingLookupByPortDevRet {
  NonnullNwfilterBinding nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(397, NwfilterBindingLookupByPortDev, NwfilterBindingLookupByPortDevArgs,
         NwfilterBindingLookupByPortDevRet, .priority = true, .acl = {Permission::kNwfilterBindingGetattr})

struct NwfilterBindingGetXmlDescArgs {
  NonnullNwfilterBinding nwfilter;
  uint32_t flags = 0;
  XDR_FIELDS(nwfilter, flags)
};
struct NwfilterBindingGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(398, NwfilterBindingGetXmlDesc, NwfilterBindingGetXmlDescArgs, NwfilterBindingGetXmlDescRet,
         .priority = true, .acl = {Permission::kNwfilterBindingRead})

struct NwfilterBindingCreateXmlArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct NwfilterBindingCreateXmlRet {
  NonnullNwfilterBinding nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(399, NwfilterBindingCreateXml, NwfilterBindingCreateXmlArgs, NwfilterBindingCreateXmlRet,
         .priority = true, .acl = {Permission::kNwfilterBindingCreate})

struct NwfilterBindingDeleteArgs {
  NonnullNwfilterBinding nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(400, NwfilterBindingDelete, NwfilterBindingDeleteArgs, void, .priority = true,
         .acl = {Permission::kNwfilterBindingDelete})

struct ConnectListAllNwfilterBindingsArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllNwfilterBindingsRet {
  xdr::List<NonnullNwfilterBinding, kNwfilterBindingListMax> bindings;
  uint32_t ret = 0;
  XDR_FIELDS(bindings, ret)
};
RPC_CALL(401, ConnectListAllNwfilterBindings, ConnectListAllNwfilterBindingsArgs,
         ConnectListAllNwfilterBindingsRet, .priority = true,
         .acl = {Permission::kConnectSearchNwfilterBindings}, .filter = {Permission::kNwfilterBindingGetattr})

struct NwfilterDefineXmlFlagsArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct NwfilterDefineXmlFlagsRet {
  NonnullNwfilter nwfilter;
  XDR_FIELDS(nwfilter)
};
RPC_CALL(431, NwfilterDefineXmlFlags, NwfilterDefineXmlFlagsArgs, NwfilterDefineXmlFlagsRet, .priority = true,
         .acl = {Permission::kNwfilterWrite, Permission::kNwfilterSave})

}  // namespace bv::remote
