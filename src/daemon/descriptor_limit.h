#pragma once

namespace bv {

// Raises the limit of open files to what may be had. For daemons that hold a descriptor or two for each
// guest or disk and start no programs, which would inherit it.
void UseAllDescriptors();

}  // namespace bv
