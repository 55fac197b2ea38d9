#pragma once

#include <optional>
#include <string>

#include "base/task.h"
#include "model/storage_volume.h"

namespace bv::storage {

// Images as qemu-img makes them. Errors of the program are kInternalError (domain kNone) with what it said.

// What is to be made, and what of.
struct ImagePlan {
  const model::VolumeDef* volume;
  const model::VolumeDef* input = nullptr;  // null: an empty image
  bool preallocate_metadata = false;
  std::string passphrase, input_passphrase;  // where there is encryption
};

// Throws (domain kStorage) what is wrong with a plan. Blocks.
void CheckPlan(const ImagePlan& plan);
// Makes the file of plan.volume, which must not be there, readable by nobody but us. What the plan points
// to must stay until the task has ended. A file that failed half-way is removed.
Task<> MakeImage(const ImagePlan& plan);

// Writes the bytes that `input` holds into a device. `passphrase`: of the input, if it is encrypted.
Task<> ConvertToDevice(const model::VolumeDef& volume, const model::VolumeDef& input, const std::string& passphrase);

// The new capacity in bytes.
Task<> ResizeImage(const model::VolumeDef& volume, std::uint64_t capacity, bool shrink, const std::string& passphrase);

}  // namespace bv::storage
