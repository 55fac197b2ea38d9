#pragma once

// The functions of cyrus-sasl that we use, loaded with the first client that asks for SASL.

#include <sasl/sasl.h>

namespace bv {

#define BV_SASL_FUNCTIONS(X) \
  X(sasl_server_init)        \
  X(sasl_server_new)         \
  X(sasl_listmech)           \
  X(sasl_server_start)       \
  X(sasl_server_step)        \
  X(sasl_getprop)            \
  X(sasl_setprop)            \
  X(sasl_encode)             \
  X(sasl_decode)             \
  X(sasl_errdetail)          \
  X(sasl_dispose)

struct SaslLibrary {
#define BV_DECLARE(name) decltype(&::name) name;
  BV_SASL_FUNCTIONS(BV_DECLARE)
#undef BV_DECLARE

  // Throws kAuthFailed when the library is not there or cannot be set up.
  static const SaslLibrary& Load();
};

}  // namespace bv
