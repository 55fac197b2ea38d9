#pragma once

#include "protocol/remote/types.h"

// LXC-specific calls, served beside the main program by libvirtd and virtlxcd.

namespace bv::lxc_protocol {

extern const rpc::Program kProgram;

using rpc::FdKind;
using rpc::Permission;

namespace proc {
template <int kNumber>
struct At;
}

struct DomainOpenNamespaceArgs {
  remote::NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(1, DomainOpenNamespace, DomainOpenNamespaceArgs, void, .reply_fds = FdKind::kList,
         .acl = {Permission::kDomainOpenNamespace})

}  // namespace bv::lxc_protocol
