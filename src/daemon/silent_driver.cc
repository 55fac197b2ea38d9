#include "daemon/silent_driver.h"

#include "daemon/uri.h"

namespace bv {

void SilentDriver::Register(Service& service) { service.On<remote::proc::ConnectGetType>(this, &SilentDriver::GetType); }

bool SilentDriver::AcceptsUri(const Uri& uri) const { return AcceptsLocalUri(uri, scheme_, privileged_); }

Task<remote::ConnectGetTypeRet> SilentDriver::GetType(Call&) {
  remote::ConnectGetTypeRet ret;
  ret.type = type_;
  co_return ret;
}

}  // namespace bv
