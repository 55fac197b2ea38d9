#pragma once

#include <string>

#include "base/task.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

// virStorageVolCreateFlags
enum VolumeCreateFlag : unsigned { kPreallocateMetadata = 1, kReflink = 2, kValidateVolume = 4 };

// Says where the volume will be in a pool that is a directory, and what it will be. Throws kOperationInvalid for
// names that are none.
void PlaceInDirectory(const model::PoolDef& pool, model::VolumeDef& volume);

// What encryption and decryption need; empty without encryption. Throws what the secret driver does.
Task<std::string> PassphraseOf(const model::VolumeDef& volume);

// Makes what PlaceInDirectory() has placed; of `input`, if not null. Both must stay until the task has ended, which
// leaves a whole volume with its owner and mode, or none.
Task<> BuildVolume(const model::VolumeDef& volume, const model::VolumeDef* input, unsigned flags);

// Writes what `input` has into the device that `volume` is, which is there and large enough.
Task<> FillDevice(const model::VolumeDef& volume, const model::VolumeDef& input, unsigned flags);

enum VolumeResizeFlag : unsigned { kResizeAllocate = 1, kResizeDelta = 2, kResizeShrink = 4 };
Task<> ResizeVolume(const model::VolumeDef& volume, std::uint64_t capacity, unsigned flags);

// By one of virStorageVolWipeAlgorithm.
Task<> WipeVolume(const model::VolumeDef& volume, unsigned algorithm);

}  // namespace bv::storage
