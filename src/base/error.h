#pragma once

#include <exception>
#include <string>

#include "base/error_codes.h"

namespace bv {

// What a request fails with: libvirt's error struct as a client receives it. Thrown where a
// request is abandoned, passes through coroutines by itself, and is turned into an error reply
// in one place (rpc/). Something that may well be absent is an optional, not an Error.
class Error : public std::exception {
 public:
  // `detail` completes the sentence that belongs to `code` ("Requested operation is not valid:
  // DETAIL"); with an empty detail the code's own short sentence stands alone.
  Error(ErrorDomain domain, ErrorCode code, std::string detail = {});

  // The sentence a client shows.
  const char* what() const noexcept override { return message.c_str(); }

  ErrorDomain domain;
  ErrorCode code;
  ErrorLevel level = ErrorLevel::kError;
  std::string message;
  // Extra strings and numbers as libvirt sends them: str1 is the sentence's pattern, str2 the
  // detail; int1 is errno for kSystemError.
  std::string str1, str2, str3;
  int int1 = -1, int2 = -1;
};

// kSystemError for a failed system call: "WHAT: strerror(error_number)".
Error SystemError(ErrorDomain domain, int error_number, const std::string& what);
// The same with the current errno.
Error SystemError(ErrorDomain domain, const std::string& what);

}  // namespace bv
