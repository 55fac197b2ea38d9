#pragma once

#include "base/json.h"

namespace bv::qemu {

// chardev-add's arguments for a back end that is described in the options of -chardev, its type as "driver".
// Only the words differ: QMP nests what the command line writes flat.
Json ChardevAddArguments(const Json& options);

}  // namespace bv::qemu
