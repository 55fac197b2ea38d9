#include "qemu/secret_values.h"

#include "base/error.h"
#include "daemon/secret_source.h"
#include "model/secret.h"

namespace bv::qemu {

Task<std::string> SecretValue(SecretLookup lookup) {
  SecretSource::Name name;
  if (lookup.uuid.empty()) {
    name.usage_type = static_cast<int>(model::FromString<model::SecretUsage>(lookup.usage_type).value_or(model::SecretUsage::kNone));
    name.usage = lookup.usage;
  } else {
    name.uuid = Uuid::Parse(lookup.uuid);
    if (!name.uuid) throw Error(ErrorDomain::kSecret, ErrorCode::kInvalidSecret, "malformed secret uuid '" + lookup.uuid + "'");
  }
  auto value = co_await SecretSource::Value(name);
  co_return value;
}

}  // namespace bv::qemu
