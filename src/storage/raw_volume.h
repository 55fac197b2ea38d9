#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/task.h"
#include "model/storage_volume.h"

namespace bv::storage {

// Volumes whose bytes we write ourselves, a piece at a time so that long work leaves room for others.
// Errors have domain kStorage.

// The file of `volume`, which must not be there, with its capacity and as much of it allocated as is asked for;
// with the bytes of `input` when not null. A file that failed half-way is removed. `reflink`: share the bytes or fail.
Task<> MakeRawVolume(const model::VolumeDef& volume, const model::VolumeDef* input, bool reflink);
Task<> MakeDirectoryVolume(const model::VolumeDef& volume);

// The bytes of `input`, into the device of `volume`.
Task<> CopyToDevice(const model::VolumeDef& volume, const model::VolumeDef& input);

// Owner, group and mode as the volume has them, mode 0600 where nothing is said. Blocks.
void SetPermissions(const model::VolumeDef& volume);

// Zeroes for what is there; what has holes becomes one.
Task<> WipeVolume(const model::VolumeDef& volume);
// `allocate`: the new size is set aside on the disk.
Task<> ResizeRawVolume(const model::VolumeDef& volume, std::uint64_t capacity, bool allocate);
// An empty directory or a file.
Task<> RemoveVolume(const model::VolumeDef& volume);

}  // namespace bv::storage
