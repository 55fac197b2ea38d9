#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/storage_volume.h"

namespace bv::storage {

// Volumes as they are in the file system. All of it blocks; errors have domain kStorage.

// What is at `path`: its kind, format, sizes, who may use it, and what it lies upon. Nullopt for what is no
// volume (sockets, pipes, links to nothing) or has just gone.
std::optional<model::VolumeDef> ScanVolume(const std::string& path, const std::string& name);
// All volumes of a directory, by name. Throws when it cannot be read.
std::vector<model::VolumeDef> ScanDirectory(const std::string& path);

// Sizes, owner and times of the block device that a volume is. Throws when it cannot be opened.
void MeasureDevice(model::VolumeDef& volume);
// Owner and times of what a volume lies upon, if it is there.
void MeasureBacking(model::VolumeImage& image);

// What can have changed of a volume that is known: sizes, permissions, times. Its format is taken as it is.
// Throws kNoStorageVol when it is not there any more.
void UpdateVolume(model::VolumeDef& volume);

}  // namespace bv::storage
