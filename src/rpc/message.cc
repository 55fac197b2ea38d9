#include "rpc/message.h"

#include "rpc/xdr_describe.h"

namespace bv::rpc {

namespace {

std::optional<std::string> Present(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

ErrorMessage ToMessage(const Error& error) {
  ErrorMessage message;
  message.code = static_cast<int32_t>(error.code);
  message.domain = static_cast<int32_t>(error.domain);
  message.message = error.message;
  message.level = static_cast<int32_t>(error.level);
  message.str1 = Present(error.str1);
  message.str2 = Present(error.str2);
  message.str3 = Present(error.str3);
  message.int1 = error.int1;
  message.int2 = error.int2;
  return message;
}

Error FromMessage(const ErrorMessage& message) {
  Error error(static_cast<ErrorDomain>(message.domain), static_cast<ErrorCode>(message.code));
  error.level = static_cast<ErrorLevel>(message.level);
  error.message = message.message.value_or("");
  error.str1 = message.str1.value_or("");
  error.str2 = message.str2.value_or("");
  error.str3 = message.str3.value_or("");
  error.int1 = message.int1;
  error.int2 = message.int2;
  return error;
}

const xdr::Type& kErrorMessageType = xdr::kType<ErrorMessage>;
const xdr::Type& kStreamHoleType = xdr::kType<StreamHole>;

}  // namespace bv::rpc
