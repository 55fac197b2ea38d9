#include "storage/backend.h"

#include <fmt/core.h>

#include "base/error.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolType;
using model::VolumeDef;

namespace {

[[noreturn]] void NoSupport(std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kNoSupport, std::move(text)); }

const Backend* Find(PoolType type) {
  switch (type) {
    case PoolType::kDir: return &kDirectoryPools;
    case PoolType::kFs:
    case PoolType::kNetfs: return &kFileSystemPools;
    case PoolType::kLogical: return &kLogicalPools;
    case PoolType::kDisk: return &kDiskPools;
    case PoolType::kIscsi: return &kIscsiPools;
    case PoolType::kScsi: return &kScsiPools;
    case PoolType::kMpath: return &kMultipathPools;
    default: return nullptr;
  }
}

}  // namespace

bool HasBackend(PoolType type) { return Find(type) != nullptr; }

const Backend& BackendOf(PoolType type) {
  if (const Backend* backend = Find(type)) return *backend;
  throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError,
              fmt::format("missing backend for pool type {} ({})", static_cast<int>(type), model::ToString(type)));
}

Task<> Backend::BringUp(const PoolDef&) const { co_return; }
Task<> Backend::TakeDown(const PoolDef&) const { co_return; }
// What such pools are made of is made elsewhere.
Task<> Backend::Build(const PoolDef&, unsigned) const { co_return; }

Task<> Backend::Delete(const PoolDef&) const {
  NoSupport("pool does not support pool deletion");
  co_return;
}

Task<std::vector<model::PoolSource>> Backend::FindSources(PoolType type, const std::string&) const {
  NoSupport(fmt::format("pool type '{}' does not support source discovery", model::ToString(type)));
  co_return std::vector<model::PoolSource>{};
}

void Backend::PlaceVolume(const PoolDef&, VolumeDef&) const { NoSupport("storage pool does not support volume creation"); }

Task<VolumeDef> Backend::MakeVolume(const PoolDef&, const VolumeDef& volume, const VolumeDef*, unsigned) const { co_return volume; }

Task<> Backend::DeleteVolume(const PoolDef&, const VolumeDef&) const {
  NoSupport("storage pool does not support vol deletion");
  co_return;
}

Task<> Backend::ResizeVolume(const VolumeDef&, std::uint64_t, unsigned) const {
  NoSupport("storage pool does not support changing of volume capacity");
  co_return;
}

}  // namespace bv::storage
