#pragma once

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv {

// `act` throws an Error of this domain and code.
template <typename F>
void ExpectError(F act, ErrorDomain domain, ErrorCode code) {
  try {
    act();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.domain), static_cast<int>(domain)) << e.what();
    EXPECT_EQ(static_cast<int>(e.code), static_cast<int>(code)) << e.what();
  }
}

}  // namespace bv
