#include "daemon/secret_source.h"

namespace bv {

static SecretSource* local_source = nullptr;

SecretSource* SecretSource::local() { return local_source; }
void SecretSource::set_local(SecretSource* source) { local_source = source; }

}  // namespace bv
