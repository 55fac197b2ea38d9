#pragma once

#include <string>
#include <string_view>

#include "base/uuid.h"
#include "model/net_common.h"
#include "model/value.h"

// <filterbinding>: which filter an interface of a guest has.
namespace bv::model {

struct FilterBinding {
  std::string owner_name;
  Uuid owner_uuid;
  std::string port_dev;  // the tap device
  std::string link_dev;  // of macvtap
  MacAddress mac;
  FilterRef filter;  // its parameters are sorted by name
};

FilterBinding ParseFilterBinding(std::string_view xml, bool validate);
std::string FormatFilterBinding(const FilterBinding& binding);

// <filterbindingstatus>, the content of a file.
FilterBinding ParseFilterBindingStatus(std::string_view xml);
std::string FormatFilterBindingStatus(const FilterBinding& binding);

}  // namespace bv::model
