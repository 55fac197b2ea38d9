#pragma once

#include <string>

namespace bv::cpu {

// The values are those of virCPUCompareResult.
enum class CompareResult : int { kIncompatible = 0, kIdentical = 1, kSuperset = 2 };

struct Comparison {
  CompareResult result = CompareResult::kIncompatible;
  std::string reason;  // why incompatible
};

}  // namespace bv::cpu
