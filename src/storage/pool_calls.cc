// Calls that change pools. Each takes the pool's turn first, so that what it found holds while it waits.

#include <optional>

#include "base/error.h"
#include "base/schema.h"
#include "base/verbatim_error.h"
#include "storage/backend.h"
#include "storage/storage_driver.h"

namespace bv::storage {

using namespace remote;

namespace {

constexpr unsigned kDefineValidate = 1;
// virStoragePoolCreateFlags
enum : unsigned { kWithOverwrite = 2, kWithNoOverwrite = 4, kCreateFlags = 7 };

unsigned BuildFlags(unsigned create_flags) {
  return (create_flags & kWithOverwrite ? kBuildOverwrite : 0u) | (create_flags & kWithNoOverwrite ? kBuildNoOverwrite : 0u);
}

[[noreturn]] void Invalid(std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kOperationInvalid, std::move(text)); }

model::PoolDef Parse(const std::string& xml, bool validate) {
  auto def = model::ParsePool(xml, validate);
  if (def.name.find('\n') != def.name.npos) throw Error(ErrorDomain::kXml, ErrorCode::kXmlDetail, "the name has a line break");
  BackendOf(def.type);  // or it throws
  return def;
}

Task<> Build(PoolPtr pool, unsigned flags) {
  if ((flags & kBuildOverwrite) && (flags & kBuildNoOverwrite)) {
    throw VerbatimError(ErrorDomain::kStorage, ErrorCode::kInvalidArg,
                        "Flags 'VIR_STORAGE_POOL_BUILD_OVERWRITE' and 'VIR_STORAGE_POOL_BUILD_NO_OVERWRITE' are mutually exclusive");
  }
  co_await BackendOf(pool->def.type).Build(pool->def, flags);
}

}  // namespace

Task<AsyncMutex::Lock> StorageDriver::BeginChange(PoolPtr pool) {
  auto lock = co_await pool->changes.Acquire();
  co_return std::move(*lock);
}

// A pool that is no longer active: gone, if it was transient.
void StorageDriver::Forget(const PoolPtr& pool) {
  pool->active = false;
  pool->volumes.clear();
  if (!pool->persistent) {
    pools_.Remove(*pool);
  } else if (pool->next) {
    pool->def = std::move(*pool->next);
    pool->next.reset();
  }
}

Task<> StorageDriver::RefreshPool(PoolPtr pool) {
  PoolContents contents = co_await BackendOf(pool->def.type).Look(pool->def);
  pool->def.capacity = contents.capacity;
  pool->def.allocation = contents.allocation;
  pool->def.available = contents.available;
  if (contents.permissions) pool->def.permissions = *contents.permissions;
  if (contents.source) pool->def.source = *contents.source;
  // Volumes that are known stay the objects that streams have hold of; jobs know better what becomes of theirs.
  std::map<std::string, VolumePtr> volumes;
  for (auto& [name, volume] : pool->volumes) {
    if (volume->building) volumes.emplace(name, volume);
  }
  for (model::VolumeDef& def : contents.volumes) {
    auto known = pool->volumes.find(def.name);
    VolumePtr volume = known == pool->volumes.end() ? std::make_shared<Volume>() : known->second;
    if (volume->building) continue;
    volume->def = std::move(def);
    volumes.emplace(volume->def.name, volume);
  }
  pool->volumes = std::move(volumes);
}

// Throws with the pool as it was.
Task<> StorageDriver::StartPool(PoolPtr pool) {
  pool->starting = true;
  std::exception_ptr failure;
  bool up = false;
  try {
    co_await BackendOf(pool->def.type).BringUp(pool->def);
    up = true;
    co_await RefreshPool(pool);
    // The state is what makes it active for a daemon that comes after this one.
    auto save = [this, def = pool->def] { files_.SaveState(def); };
    co_await OnDisk(save);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && up) {
    try {
      co_await BackendOf(pool->def.type).TakeDown(pool->def);
    } catch (const Error&) {
    }
  }
  pool->starting = false;
  if (failure) {
    pool->volumes.clear();
    std::rethrow_exception(failure);
  }
  pool->active = true;
  TellLifecycle(*pool, kPoolStarted);
}

Task<> StorageDriver::StopPool(PoolPtr pool) {
  co_await BackendOf(pool->def.type).TakeDown(pool->def);
  auto remove = [this, name = pool->def.name] { files_.RemoveState(name); };
  co_await OnDisk(remove);
  TellLifecycle(*pool, kPoolStopped);
  Forget(pool);
}

Task<StoragePoolDefineXmlRet> StorageDriver::Define(Call&, StoragePoolDefineXmlArgs args) {
  RefuseFlags(args.flags, kDefineValidate, "storagePoolDefineXML");
  std::function<void()> describe = [&] { Parse(args.xml, true); };
  const bool validate = co_await xml::StillToValidate(args.flags & kDefineValidate, args.xml, "storagepool", "pool", describe);
  model::PoolDef def = Parse(args.xml, validate);
  // The turn of a pool that is there comes before that of the list.
  PoolPtr known = pools_.Find(def.uuid);
  std::optional<AsyncMutex::Lock> turn;
  if (known) turn.emplace(co_await BeginChange(known));
  auto list = co_await definitions_.Acquire();
  pools_.Check(def, false);
  auto save = [this, def] { files_.SaveDefinition(def); };
  co_await OnDisk(save);
  auto pool = pools_.Put(std::move(def));
  pool->persistent = true;
  StoragePoolDefineXmlRet ret{Reference(*pool)};
  TellLifecycle(*pool, kPoolDefined);
  co_return ret;
}

Task<StoragePoolCreateXmlRet> StorageDriver::CreateXml(Call&, StoragePoolCreateXmlArgs args) {
  RefuseFlags(args.flags, kCreateFlags, "storagePoolCreateXML");
  model::PoolDef def = Parse(args.xml, false);
  PoolPtr known = pools_.Find(def.uuid);
  std::optional<AsyncMutex::Lock> turn;
  if (known) turn.emplace(co_await BeginChange(known));
  auto list = co_await definitions_.Acquire();
  pools_.Check(def, true);
  known = pools_.Find(def.uuid);
  // What a persistent pool goes back to when this one ends.
  std::optional<model::PoolDef> before;
  if (known) before = known->def;
  auto pool = pools_.Put(std::move(def));
  if (!turn) turn.emplace(co_await BeginChange(pool));
  list.reset();
  std::exception_ptr failure;
  try {
    if (args.flags) co_await Build(pool, BuildFlags(args.flags));
    co_await StartPool(pool);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (before) pool->def = std::move(*before);
    else pools_.Remove(*pool);
    std::rethrow_exception(failure);
  }
  if (before) pool->next = std::move(*before);
  co_return StoragePoolCreateXmlRet{Reference(*pool)};
}

Task<> StorageDriver::Create(Call&, StoragePoolCreateArgs args) {
  RefuseFlags(args.flags, kCreateFlags, "storagePoolCreate");
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  pool->RequireInactive();
  if (args.flags) co_await Build(pool, BuildFlags(args.flags));
  co_await StartPool(pool);
}

Task<> StorageDriver::BuildPool(Call&, StoragePoolBuildArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  pool->RequireInactive();
  RefuseFlags(args.flags, kBuildNoOverwrite | kBuildOverwrite, "virStorageBackendFileSystemBuild");
  co_await Build(pool, args.flags);
  TellLifecycle(*pool, kPoolCreated);
}

Task<> StorageDriver::Destroy(Call&, StoragePoolDestroyArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  pool->RequireActive();
  pool->RequireIdle();
  co_await StopPool(pool);
}

Task<> StorageDriver::DeletePool(Call&, StoragePoolDeleteArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  if (pool->active) Invalid("storage pool '" + pool->def.name + "' is still active");
  pool->RequireIdle();
  RefuseFlags(args.flags, 0, "virStorageBackendDeleteLocal");
  co_await BackendOf(pool->def.type).Delete(pool->def);
  TellLifecycle(*pool, kPoolDeleted);
}

Task<> StorageDriver::Undefine(Call&, StoragePoolUndefineArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  if (pool->active) Invalid("storage pool '" + pool->def.name + "' is still active");
  pool->RequireIdle();
  auto remove = [this, name = pool->def.name] { files_.RemoveDefinition(name); };
  co_await OnDisk(remove);
  TellLifecycle(*pool, kPoolUndefined);
  pools_.Remove(*pool);
}

Task<> StorageDriver::Refresh(Call&, StoragePoolRefreshArgs args) {
  RefuseFlags(args.flags, 0, "storagePoolRefresh");
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  pool->RequireActive();
  pool->RequireIdle();
  std::exception_ptr failure;
  try {
    co_await RefreshPool(pool);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    // A pool that cannot be looked at is none.
    co_await StopPool(pool);
    std::rethrow_exception(failure);
  }
  TellRefreshed(*pool);
}

Task<> StorageDriver::SetAutostart(Call&, StoragePoolSetAutostartArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = co_await BeginChange(pool);
  if (!pool->persistent) throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError, "pool has no config file");
  bool autostart = args.autostart != 0;
  auto set = [this, name = pool->def.name, autostart] { files_.SetAutostart(name, autostart); };
  co_await OnDisk(set);
  pool->autostart = autostart;
}

}  // namespace bv::storage
