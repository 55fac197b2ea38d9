#pragma once

#include <cstdint>

#include "rpc/procedure.h"

namespace bv::access {

// A procedure that counts objects or lists their names or numbers: which procedure lists the same
// objects as such, so that what a client may not see can be left out.
struct PlainList {
  std::int32_t number;      // of the remote program
  std::int32_t all;         // the procedure that lists the objects
  std::uint32_t flags = 0;  // for it
};

// Null for procedures of other kinds.
const PlainList* FindPlainList(const rpc::Procedure& procedure);

// The flag of a listing of node devices for a capability's name; 0 for one that is not known.
std::uint32_t NodeDeviceFlag(const char* capability);

}  // namespace bv::access
