#pragma once

#include "base/loop.h"
#include "base/task.h"

namespace bv {

// What a driver is besides (daemon/driver.h) that works for guests in the background whatever clients do, on
// threads that an upgrade would cut off in the middle of something.
class BackgroundWork {
 public:
  // The first before an upgrade: throws when it would be refused as things are.
  virtual void CheckReady() const = 0;
  // The last before an upgrade: ends what is under way, and begins nothing until Release(), which comes if the
  // upgrade does not. False when that takes until the deadline: it is tried again then. Throws to refuse the upgrade.
  virtual Task<bool> Hold(Deadline deadline) = 0;
  virtual void Release() = 0;

 protected:
  ~BackgroundWork() = default;
};

}  // namespace bv
