#pragma once

#include <optional>
#include <string>

#include "base/task.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"
#include "storage/backend.h"

namespace bv::storage {

// The disks of a SCSI host: volumes "unit:BUS:TARGET:LUN". Those that have no name in the pool's target directory
// are left out.
Task<PoolContents> LookAtScsiHost(const model::PoolDef& pool, unsigned host);

// A volume that is a whole block device of the host, with its name in the pool's directory and what scsi_id(8) says
// as its key; nothing where it has no such name, or cannot be opened.
Task<std::optional<model::VolumeDef>> WholeDevice(const model::PoolDef& pool, std::string device, std::string name);

}  // namespace bv::storage
