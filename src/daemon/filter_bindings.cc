#include "daemon/filter_bindings.h"

namespace bv {

static FilterBindings* local_bindings = nullptr;

FilterBindings* FilterBindings::local() { return local_bindings; }
void FilterBindings::set_local(FilterBindings* bindings) { local_bindings = bindings; }

}  // namespace bv
