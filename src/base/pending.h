#pragma once

#include <cstddef>

namespace bv {

// Pieces of work that Offload() (wait.h) runs or has not run yet, as the loop's thread knows.
std::size_t PendingOffloads();

}  // namespace bv
