#include "base/verbatim_error.h"

#include <fmt/core.h>

namespace bv {

Error VerbatimError(ErrorDomain domain, ErrorCode code, std::string message) {
  Error error(domain, code);
  error.message = std::move(message);
  error.str1 = "%s";
  error.str2 = error.message;
  return error;
}

void RefuseOtherFlags(unsigned flags, unsigned known, ErrorDomain domain, const char* function) {
  if ((flags & ~known) == 0) return;
  throw VerbatimError(domain, ErrorCode::kInvalidArg,
                      fmt::format("unsupported flags (0x{:x}) in function {}", flags & ~known, function));
}

}  // namespace bv
