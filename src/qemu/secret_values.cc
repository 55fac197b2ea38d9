#include "qemu/secret_values.h"

#include "base/error.h"
#include "daemon/secret_source.h"

namespace bv::qemu {

std::string LookUpSecretValue(const SecretLookup& lookup) {
  SecretSource* source = SecretSource::local();
  if (!source) throw Error(ErrorDomain::kSecret, ErrorCode::kNoSupport, "secrets of another daemon");
  if (lookup.uuid.empty()) return source->ValueByUsage(lookup.usage_type, lookup.usage);
  auto uuid = Uuid::Parse(lookup.uuid);
  if (!uuid) throw Error(ErrorDomain::kSecret, ErrorCode::kInvalidSecret, "malformed secret uuid '" + lookup.uuid + "'");
  return source->ValueByUuid(*uuid);
}

}  // namespace bv::qemu
