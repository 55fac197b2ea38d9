#pragma once

#include "protocol/remote/types.h"

// Domain checkpoints and backups.

namespace bv::remote {

inline constexpr uint32_t kDomainCheckpointListMax = 16384;

struct DomainCheckpointCreateXmlArgs {
  NonnullDomain dom;
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(dom, xml_desc, flags)
};
struct DomainCheckpointCreateXmlRet {
  NonnullDomainCheckpoint checkpoint;
  XDR_FIELDS(checkpoint)
};
RPC_CALL(411, DomainCheckpointCreateXml, DomainCheckpointCreateXmlArgs, DomainCheckpointCreateXmlRet, .acl =
         {Permission::kDomainCheckpoint, IfSet(Permission::kDomainFsFreeze, kDomainCheckpointCreateQuiesce)})

struct DomainCheckpointGetXmlDescArgs {
  NonnullDomainCheckpoint checkpoint;
  uint32_t flags = 0;
  XDR_FIELDS(checkpoint, flags)
};
struct DomainCheckpointGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(412, DomainCheckpointGetXmlDesc, DomainCheckpointGetXmlDescArgs, DomainCheckpointGetXmlDescRet, .acl
         = {Permission::kDomainRead, IfSet(Permission::kDomainReadSecure, kDomainCheckpointXmlSecure)})

struct DomainListAllCheckpointsArgs {
  NonnullDomain dom;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, need_results, flags)
};
struct DomainListAllCheckpointsRet {
  xdr::List<NonnullDomainCheckpoint, kDomainCheckpointListMax> checkpoints;
  int32_t ret = 0;
  XDR_FIELDS(checkpoints, ret)
};
RPC_CALL(413, DomainListAllCheckpoints, DomainListAllCheckpointsArgs, DomainListAllCheckpointsRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainCheckpointListAllChildrenArgs {
  NonnullDomainCheckpoint checkpoint;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(checkpoint, need_results, flags)
};
struct DomainCheckpointListAllChildrenRet {
  xdr::List<NonnullDomainCheckpoint, kDomainCheckpointListMax> checkpoints;
  int32_t ret = 0;
  XDR_FIELDS(checkpoints, ret)
};
RPC_CALL(414, DomainCheckpointListAllChildren, DomainCheckpointListAllChildrenArgs,
         DomainCheckpointListAllChildrenRet, .priority = true, .acl = {Permission::kDomainRead})

struct DomainCheckpointLookupByNameArgs {
  NonnullDomain dom;
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, name, flags)
};
struct DomainCheckpointLookupByNameRet {
  NonnullDomainCheckpoint checkpoint;
  XDR_FIELDS(checkpoint)
};
RPC_CALL(415, DomainCheckpointLookupByName, DomainCheckpointLookupByNameArgs, DomainCheckpointLookupByNameRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainCheckpointGetParentArgs {
  NonnullDomainCheckpoint checkpoint;
  uint32_t flags = 0;
  XDR_FIELDS(checkpoint, flags)
};
struct DomainCheckpointGetParentRet {
  NonnullDomainCheckpoint parent;
  XDR_FIELDS(parent)
};
RPC_CALL(416, DomainCheckpointGetParent, DomainCheckpointGetParentArgs, DomainCheckpointGetParentRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainCheckpointDeleteArgs {
  NonnullDomainCheckpoint checkpoint;
  uint32_t flags = 0;
  XDR_FIELDS(checkpoint, flags)
};
RPC_CALL(417, DomainCheckpointDelete, DomainCheckpointDeleteArgs, void,
         .acl = {Permission::kDomainCheckpoint})

struct DomainBackupBeginArgs {
  NonnullDomain dom;
  std::string backup_xml;
  std::optional<std::string> checkpoint_xml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, backup_xml, checkpoint_xml, flags)
};
RPC_CALL(421, DomainBackupBegin, DomainBackupBeginArgs, void,
         .acl = {Permission::kDomainCheckpoint, Permission::kDomainBlockWrite})

struct DomainBackupGetXmlDescArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainBackupGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(422, DomainBackupGetXmlDesc, DomainBackupGetXmlDescArgs, DomainBackupGetXmlDescRet, .priority = true,
         .acl = {Permission::kDomainRead})

}  // namespace bv::remote
