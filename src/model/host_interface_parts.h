#pragma once

#include "model/describe/row.h"
#include "model/host_interface.h"

// What the languages of host interfaces and of host devices say alike.
namespace bv::model {

extern const Description<HostLink> kHostLink;

}  // namespace bv::model
