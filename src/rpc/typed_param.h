#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "rpc/xdr.h"

namespace bv {

// The value of a typed parameter. The wire's tag (virTypedParameterType) is the index plus one.
using TypedParamValue = std::variant<int32_t, uint32_t, int64_t, uint64_t, double, bool, std::string>;

// A named value: what the API calls virTypedParameter.
struct TypedParam {
  std::string field;
  TypedParamValue value;
  XDR_FIELDS(field, value)
};

}  // namespace bv
