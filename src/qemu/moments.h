#pragma once

#include <map>
#include <memory>
#include <string>

namespace bv::qemu {

// A domain's snapshots and checkpoints by name.
struct Moment {
  std::string name;
  std::string parent;  // empty: none
};

struct Moments {
  std::map<std::string, std::unique_ptr<Moment>, std::less<>> snapshots, checkpoints;
  std::string current_snapshot, current_checkpoint;
};

}  // namespace bv::qemu
