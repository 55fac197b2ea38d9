#pragma once

#include <functional>
#include <memory>

#include "base/fd.h"
#include "base/loop.h"

namespace bv {

// Blocks `signal_number` for this thread (and threads made later) and calls back from the loop when
// it arrives. Children made by Command start with no signal blocked.
class SignalWatch {
 public:
  SignalWatch(int signal_number, std::function<void()> on_signal);

 private:
  Fd fd_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace bv
