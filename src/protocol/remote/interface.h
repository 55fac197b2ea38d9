#pragma once

#include "protocol/remote/types.h"

// Host interfaces.

namespace bv::remote {

inline constexpr uint32_t kInterfaceListMax = 16384;

struct ConnectNumOfInterfacesRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(126, ConnectNumOfInterfaces, void, ConnectNumOfInterfacesRet, .priority = true,
         .acl = {Permission::kConnectSearchInterfaces}, .filter = {Permission::kInterfaceGetattr})

struct ConnectListInterfacesArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListInterfacesRet {
  xdr::List<std::string, kInterfaceListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(127, ConnectListInterfaces, ConnectListInterfacesArgs, ConnectListInterfacesRet, .priority = true,
         .acl = {Permission::kConnectSearchInterfaces}, .filter = {Permission::kInterfaceGetattr})

struct InterfaceLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct InterfaceLookupByNameRet {
  NonnullInterface iface;
  XDR_FIELDS(iface)
};
RPC_CALL(128, InterfaceLookupByName, InterfaceLookupByNameArgs, InterfaceLookupByNameRet, .priority = true,
         .acl = {Permission::kInterfaceGetattr})

struct InterfaceLookupByMacStringArgs {
  std::string mac;
  XDR_FIELDS(mac)
};
struct InterfaceLookupByMacStringRet {
  NonnullInterface iface;
  XDR_FIELDS(iface)
};
RPC_CALL(129, InterfaceLookupByMacString, InterfaceLookupByMacStringArgs, InterfaceLookupByMacStringRet,
         .priority = true, .acl = {Permission::kInterfaceGetattr})

struct InterfaceGetXmlDescArgs {
  NonnullInterface iface;
  uint32_t flags = 0;
  XDR_FIELDS(iface, flags)
};
struct InterfaceGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(130, InterfaceGetXmlDesc, InterfaceGetXmlDescArgs, InterfaceGetXmlDescRet,
         .acl = {Permission::kInterfaceRead})

struct InterfaceDefineXmlArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct InterfaceDefineXmlRet {
  NonnullInterface iface;
  XDR_FIELDS(iface)
};
RPC_CALL(131, InterfaceDefineXml, InterfaceDefineXmlArgs, InterfaceDefineXmlRet, .priority = true,
         .acl = {Permission::kInterfaceWrite, Permission::kInterfaceSave})

struct InterfaceUndefineArgs {
  NonnullInterface iface;
  XDR_FIELDS(iface)
};
RPC_CALL(132, InterfaceUndefine, InterfaceUndefineArgs, void, .priority = true,
         .acl = {Permission::kInterfaceDelete})

struct InterfaceCreateArgs {
  NonnullInterface iface;
  uint32_t flags = 0;
  XDR_FIELDS(iface, flags)
};
RPC_CALL(133, InterfaceCreate, InterfaceCreateArgs, void, .acl = {Permission::kInterfaceStart})

struct InterfaceDestroyArgs {
  NonnullInterface iface;
  uint32_t flags = 0;
  XDR_FIELDS(iface, flags)
};
RPC_CALL(134, InterfaceDestroy, InterfaceDestroyArgs, void, .priority = true,
         .acl = {Permission::kInterfaceStop})

struct ConnectNumOfDefinedInterfacesRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(137, ConnectNumOfDefinedInterfaces, void, ConnectNumOfDefinedInterfacesRet, .priority = true,
         .acl = {Permission::kConnectSearchInterfaces}, .filter = {Permission::kInterfaceGetattr})

struct ConnectListDefinedInterfacesArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListDefinedInterfacesRet {
  xdr::List<std::string, kInterfaceListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(138, ConnectListDefinedInterfaces, ConnectListDefinedInterfacesArgs, ConnectListDefinedInterfacesRet,
         .priority = true, .acl = {Permission::kConnectSearchInterfaces},
         .filter = {Permission::kInterfaceGetattr})

struct InterfaceIsActiveArgs {
  NonnullInterface iface;
  XDR_FIELDS(iface)
};
struct InterfaceIsActiveRet {
  int32_t active = 0;
  XDR_FIELDS(active)
};
RPC_CALL(156, InterfaceIsActive, InterfaceIsActiveArgs, InterfaceIsActiveRet, .priority = true,
         .acl = {Permission::kInterfaceRead})

struct InterfaceChangeBeginArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
RPC_CALL(220, InterfaceChangeBegin, InterfaceChangeBeginArgs, void,
         .acl = {Permission::kConnectInterfaceTransaction})

struct InterfaceChangeCommitArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
RPC_CALL(221, InterfaceChangeCommit, InterfaceChangeCommitArgs, void,
         .acl = {Permission::kConnectInterfaceTransaction})

struct InterfaceChangeRollbackArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
RPC_CALL(222, InterfaceChangeRollback, InterfaceChangeRollbackArgs, void,
         .acl = {Permission::kConnectInterfaceTransaction})

struct ConnectListAllInterfacesArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllInterfacesRet {
  xdr::List<NonnullInterface, kInterfaceListMax> ifaces;
  uint32_t ret = 0;
  XDR_FIELDS(ifaces, ret)
};
RPC_CALL(284, ConnectListAllInterfaces, ConnectListAllInterfacesArgs, ConnectListAllInterfacesRet,
         .priority = true, .acl = {Permission::kConnectSearchInterfaces},
         .filter = {Permission::kInterfaceGetattr})

}  // namespace bv::remote
