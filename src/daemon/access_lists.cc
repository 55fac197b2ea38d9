#include "daemon/access_lists.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "protocol/node_device_capabilities.h"
#include "protocol/remote.h"

namespace bv::access {

namespace {

namespace proc = remote::proc;

template <typename Plain, typename All>
constexpr PlainList Row(std::uint32_t flags = 0) {
  return {Plain::info.number, All::info.number, flags};
}

// The flags of virConnectListAllX for objects that are active and those that are not. Domains have
// them the other way round than all others.
constexpr std::uint32_t kActiveDomains = 1, kInactiveDomains = 2, kInactive = 1, kActive = 2;

constexpr PlainList kRows[] = {
    Row<proc::ConnectNumOfDomains, proc::ConnectListAllDomains>(kActiveDomains),
    Row<proc::ConnectListDomains, proc::ConnectListAllDomains>(kActiveDomains),
    Row<proc::ConnectNumOfDefinedDomains, proc::ConnectListAllDomains>(kInactiveDomains),
    Row<proc::ConnectListDefinedDomains, proc::ConnectListAllDomains>(kInactiveDomains),
    Row<proc::ConnectNumOfNetworks, proc::ConnectListAllNetworks>(kActive),
    Row<proc::ConnectListNetworks, proc::ConnectListAllNetworks>(kActive),
    Row<proc::ConnectNumOfDefinedNetworks, proc::ConnectListAllNetworks>(kInactive),
    Row<proc::ConnectListDefinedNetworks, proc::ConnectListAllNetworks>(kInactive),
    Row<proc::ConnectNumOfInterfaces, proc::ConnectListAllInterfaces>(kActive),
    Row<proc::ConnectListInterfaces, proc::ConnectListAllInterfaces>(kActive),
    Row<proc::ConnectNumOfDefinedInterfaces, proc::ConnectListAllInterfaces>(kInactive),
    Row<proc::ConnectListDefinedInterfaces, proc::ConnectListAllInterfaces>(kInactive),
    Row<proc::ConnectNumOfStoragePools, proc::ConnectListAllStoragePools>(kActive),
    Row<proc::ConnectListStoragePools, proc::ConnectListAllStoragePools>(kActive),
    Row<proc::ConnectNumOfDefinedStoragePools, proc::ConnectListAllStoragePools>(kInactive),
    Row<proc::ConnectListDefinedStoragePools, proc::ConnectListAllStoragePools>(kInactive),
    Row<proc::StoragePoolNumOfVolumes, proc::StoragePoolListAllVolumes>(),
    Row<proc::StoragePoolListVolumes, proc::StoragePoolListAllVolumes>(),
    Row<proc::ConnectNumOfSecrets, proc::ConnectListAllSecrets>(),
    Row<proc::ConnectListSecrets, proc::ConnectListAllSecrets>(),
    Row<proc::ConnectNumOfNwfilters, proc::ConnectListAllNwfilters>(),
    Row<proc::ConnectListNwfilters, proc::ConnectListAllNwfilters>(),
    Row<proc::NodeNumOfDevices, proc::ConnectListAllNodeDevices>(),
    Row<proc::NodeListDevices, proc::ConnectListAllNodeDevices>(),
};

}  // namespace

const PlainList* FindPlainList(const rpc::Procedure& procedure) {
  if (&procedure != remote::kProgram.Find(procedure.info->number)) return nullptr;
  auto found = std::ranges::find(kRows, procedure.info->number, &PlainList::number);
  return found == std::end(kRows) ? nullptr : found;
}

std::uint32_t NodeDeviceFlag(const char* capability) {
  auto& names = remote::kNodeDeviceCapabilities;
  auto found = std::ranges::find(names, std::string_view(capability));
  return found == std::end(names) ? 0 : 1u << (found - std::begin(names));
}

}  // namespace bv::access
