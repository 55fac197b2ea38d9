#pragma once

#include <cstdint>
#include <string>

#include "base/task.h"

namespace bv {

// Where other drivers get at the volumes of storage pools: the storage driver of this daemon, if it has one, else
// virtstoraged.
class VolumeFinder {
 public:
  virtual ~VolumeFinder() = default;

  struct Found {
    enum class Kind : std::uint8_t { kFile, kBlock, kDirectory, kOther } kind = Kind::kOther;
    std::string path;
  };
  // Throws what the storage driver does where there is no such volume, and kConfigUnsupported (domain kStorage) where
  // its pool is not active.
  static Task<Found> Find(std::string pool, std::string volume);

  // Set by the driver that is one.
  static void set_local(VolumeFinder* finder);

 protected:
  virtual Found FindLocally(const std::string& pool, const std::string& volume) = 0;
};

}  // namespace bv
