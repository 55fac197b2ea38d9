#pragma once

#include <string_view>

namespace bv {

// Shell-like match of the whole text: * is any text, ? any one character. What the lists of allowed
// names hold.
bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace bv
