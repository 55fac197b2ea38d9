#pragma once

#include <chrono>

#include "base/task.h"

namespace bv {

// What this thread's loop is doing: the callback that runs now.
struct LoopTurn {
  const char* name = "";  // for the stall detector; a coroutine that waited goes on under the name it had
  std::chrono::steady_clock::time_point begin;
};
extern constinit thread_local LoopTurn loop_turn;

// For coroutines with much to do: suspends when this turn has been a long one already, so that others
// get theirs. Whatever the loop owns may change meanwhile.
Task<> Breathe();

}  // namespace bv
