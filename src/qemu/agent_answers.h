#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "base/json.h"
#include "model/domain/domain.h"
#include "protocol/remote/domain_agent.h"

// What a guest agent answers, in the terms of libvirt's API. All of them throw kInternalError when a
// member that QEMU's agent always sends is missing.

namespace bv::qemu {

// virDomainGuestInfoTypes
enum GuestInfoType : unsigned { kGuestUsers = 1, kGuestOs = 2, kGuestTimezone = 4, kGuestHostname = 8,
                                kGuestFilesystems = 16, kGuestDisks = 32, kGuestInterfaces = 64 };

// One kind of guest information: the agent's command, and its answer as typed parameters.
struct GuestInfoKind {
  GuestInfoType type;
  const char* command;
  std::vector<TypedParam> (*read)(const Json& answer, const model::DomainDef& def);
};
const std::vector<GuestInfoKind>& GuestInfoKinds();

// guest-get-fsinfo. Disks are named by the target names of the definition (vda).
std::vector<remote::DomainFsinfo> ReadFsinfo(const Json& answer, const model::DomainDef& def);
// guest-network-get-interfaces; addresses of labelled aliases (eth0:1) belong to the interface.
std::vector<remote::DomainInterface> ReadInterfaces(const Json& answer);

// guest-get-vcpus.
struct GuestVcpu {
  unsigned id = 0;
  bool online = false, can_offline = false;
};
std::vector<GuestVcpu> ReadGuestVcpus(const Json& answer);
std::vector<TypedParam> GuestVcpuParams(const std::vector<GuestVcpu>& vcpus);
// The argument of guest-set-vcpus.
Json SetVcpusArguments(const std::vector<GuestVcpu>& vcpus);

}  // namespace bv::qemu
