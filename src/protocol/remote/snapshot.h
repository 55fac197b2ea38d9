#pragma once

#include "protocol/remote/types.h"

// Domain snapshots.

namespace bv::remote {

inline constexpr uint32_t kDomainSnapshotListMax = 16384;

struct DomainSnapshotCreateXmlArgs {
  NonnullDomain dom;
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(dom, xml_desc, flags)
};
struct DomainSnapshotCreateXmlRet {
  NonnullDomainSnapshot snap;
  XDR_FIELDS(snap)
};
RPC_CALL(185, DomainSnapshotCreateXml, DomainSnapshotCreateXmlArgs, DomainSnapshotCreateXmlRet, .acl =
         {Permission::kDomainSnapshot, IfSet(Permission::kDomainFsFreeze, kDomainSnapshotCreateQuiesce)})

struct DomainSnapshotGetXmlDescArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
struct DomainSnapshotGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(186, DomainSnapshotGetXmlDesc, DomainSnapshotGetXmlDescArgs, DomainSnapshotGetXmlDescRet,
         .priority = true, .acl = {Permission::kDomainRead, IfSet(Permission::kDomainReadSecure,
         kDomainSnapshotXmlSecure)})

struct DomainSnapshotNumArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainSnapshotNumRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(187, DomainSnapshotNum, DomainSnapshotNumArgs, DomainSnapshotNumRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainSnapshotListNamesArgs {
  NonnullDomain dom;
  int32_t maxnames = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, maxnames, flags)
};
struct DomainSnapshotListNamesRet {
  xdr::List<std::string, kDomainSnapshotListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(188, DomainSnapshotListNames, DomainSnapshotListNamesArgs, DomainSnapshotListNamesRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainSnapshotLookupByNameArgs {
  NonnullDomain dom;
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, name, flags)
};
struct DomainSnapshotLookupByNameRet {
  NonnullDomainSnapshot snap;
  XDR_FIELDS(snap)
};
RPC_CALL(189, DomainSnapshotLookupByName, DomainSnapshotLookupByNameArgs, DomainSnapshotLookupByNameRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainHasCurrentSnapshotArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainHasCurrentSnapshotRet {
  int32_t result = 0;
  XDR_FIELDS(result)
};
RPC_CALL(190, DomainHasCurrentSnapshot, DomainHasCurrentSnapshotArgs, DomainHasCurrentSnapshotRet,
         .acl = {Permission::kDomainRead})

struct DomainSnapshotCurrentArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainSnapshotCurrentRet {
  NonnullDomainSnapshot snap;
  XDR_FIELDS(snap)
};
RPC_CALL(191, DomainSnapshotCurrent, DomainSnapshotCurrentArgs, DomainSnapshotCurrentRet,
         .acl = {Permission::kDomainRead})

struct DomainRevertToSnapshotArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
RPC_CALL(192, DomainRevertToSnapshot, DomainRevertToSnapshotArgs, void, .acl = {Permission::kDomainSnapshot})

struct DomainSnapshotDeleteArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
RPC_CALL(193, DomainSnapshotDelete, DomainSnapshotDeleteArgs, void, .acl = {Permission::kDomainSnapshot})

struct DomainSnapshotGetParentArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
struct DomainSnapshotGetParentRet {
  NonnullDomainSnapshot snap;
  XDR_FIELDS(snap)
};
RPC_CALL(244, DomainSnapshotGetParent, DomainSnapshotGetParentArgs, DomainSnapshotGetParentRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainSnapshotNumChildrenArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
struct DomainSnapshotNumChildrenRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(246, DomainSnapshotNumChildren, DomainSnapshotNumChildrenArgs, DomainSnapshotNumChildrenRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainSnapshotListChildrenNamesArgs {
  NonnullDomainSnapshot snap;
  int32_t maxnames = 0;
  uint32_t flags = 0;
  XDR_FIELDS(snap, maxnames, flags)
};
struct DomainSnapshotListChildrenNamesRet {
  xdr::List<std::string, kDomainSnapshotListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(247, DomainSnapshotListChildrenNames, DomainSnapshotListChildrenNamesArgs,
         DomainSnapshotListChildrenNamesRet, .priority = true, .acl = {Permission::kDomainRead})

struct DomainSnapshotIsCurrentArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
struct DomainSnapshotIsCurrentRet {
  int32_t current = 0;
  XDR_FIELDS(current)
};
RPC_CALL(271, DomainSnapshotIsCurrent, DomainSnapshotIsCurrentArgs, DomainSnapshotIsCurrentRet,
         .acl = {Permission::kDomainRead})

struct DomainSnapshotHasMetadataArgs {
  NonnullDomainSnapshot snap;
  uint32_t flags = 0;
  XDR_FIELDS(snap, flags)
};
struct DomainSnapshotHasMetadataRet {
  int32_t metadata = 0;
  XDR_FIELDS(metadata)
};
RPC_CALL(272, DomainSnapshotHasMetadata, DomainSnapshotHasMetadataArgs, DomainSnapshotHasMetadataRet,
         .acl = {Permission::kDomainRead})

struct DomainListAllSnapshotsArgs {
  NonnullDomain dom;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, need_results, flags)
};
struct DomainListAllSnapshotsRet {
  xdr::List<NonnullDomainSnapshot, kDomainSnapshotListMax> snapshots;
  int32_t ret = 0;
  XDR_FIELDS(snapshots, ret)
};
RPC_CALL(274, DomainListAllSnapshots, DomainListAllSnapshotsArgs, DomainListAllSnapshotsRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainSnapshotListAllChildrenArgs {
  NonnullDomainSnapshot snapshot;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(snapshot, need_results, flags)
};
struct DomainSnapshotListAllChildrenRet {
  xdr::List<NonnullDomainSnapshot, kDomainSnapshotListMax> snapshots;
  int32_t ret = 0;
  XDR_FIELDS(snapshots, ret)
};
RPC_CALL(275, DomainSnapshotListAllChildren, DomainSnapshotListAllChildrenArgs,
         DomainSnapshotListAllChildrenRet, .priority = true, .acl = {Permission::kDomainRead})

}  // namespace bv::remote
