#pragma once

#include <string>
#include <string_view>

#include "daemon/polkit.h"
#include "rpc/service.h"

namespace bv::access {

// What a call is about that holds no object: one that is to be made by the XML among its arguments or in a file that they
// name, or a node device's name.
struct Definition {
  std::string text;
  std::string name;  // of a domain, in the place of the XML's; empty: that one
};

// Throws what the driver answers about the file.
Task<Definition> FindDefinition(Service& service, Call& call);

// The details of an object of the kind `name`. What the definition leaves open, or what cannot be read, is left out.
void Describe(PolkitDetails& to, std::string_view name, const Definition& definition);

}  // namespace bv::access
