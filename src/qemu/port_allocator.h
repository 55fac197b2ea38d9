#pragma once

#include <set>
#include <string>

namespace bv::qemu {

// Hands out TCP ports of a range: the lowest that none of our guests has and nobody listens on.
class PortAllocator {
 public:
  PortAllocator(std::string what, unsigned first, unsigned last) : what_(std::move(what)), first_(first), last_(last) {}

  // Throws kInternalError when none is left.
  unsigned Acquire();
  // A port that was named by the user, or is in use by a guest found running.
  void Reserve(unsigned port) { taken_.insert(port); }
  void Release(unsigned port) { taken_.erase(port); }

 private:
  std::string what_;
  unsigned first_, last_;
  std::set<unsigned> taken_;
};

}  // namespace bv::qemu
