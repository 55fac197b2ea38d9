#include "daemon/volume_finder.h"

#include "base/error.h"
#include "daemon/other_drivers.h"
#include "protocol/remote.h"

namespace bv {

namespace proc = remote::proc;

namespace {

VolumeFinder* local_finder = nullptr;

Task<VolumeFinder::Found> Ask(std::string pool_name, std::string volume_name) {
  auto client = co_await OpenDriver("storage");
  remote::StoragePoolLookupByNameArgs by_name{pool_name};
  auto pool = co_await client->Call<proc::StoragePoolLookupByName>(by_name);
  remote::StoragePoolIsActiveArgs is_active{pool.pool};
  auto active = co_await client->Call<proc::StoragePoolIsActive>(is_active);
  if (!active.active) {
    throw Error(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported,
                "storage pool '" + pool_name + "' containing volume '" + volume_name + "' is not active");
  }
  remote::StorageVolLookupByNameArgs volume_by_name{pool.pool, volume_name};
  auto volume = co_await client->Call<proc::StorageVolLookupByName>(volume_by_name);
  remote::StorageVolGetInfoArgs info_of{volume.vol};
  auto info = co_await client->Call<proc::StorageVolGetInfo>(info_of);
  remote::StorageVolGetPathArgs path_of{volume.vol};
  auto path = co_await client->Call<proc::StorageVolGetPath>(path_of);
  client->Close();
  VolumeFinder::Found found;
  // virStorageVolType begins with the same kinds.
  if (info.type >= 0 && info.type < static_cast<int>(VolumeFinder::Found::Kind::kOther)) {
    found.kind = static_cast<VolumeFinder::Found::Kind>(info.type);
  }
  found.path = path.name;
  co_return found;
}

}  // namespace

void VolumeFinder::set_local(VolumeFinder* finder) { local_finder = finder; }

Task<VolumeFinder::Found> VolumeFinder::Find(std::string pool, std::string volume) {
  if (local_finder) co_return local_finder->FindLocally(pool, volume);
  auto found = co_await Ask(std::move(pool), std::move(volume));
  co_return found;
}

}  // namespace bv
