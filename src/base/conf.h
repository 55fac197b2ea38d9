#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bv {

// A value of libvirt's configuration syntax.
using ConfValue = std::variant<std::int64_t, std::string, std::vector<std::string>>;

struct ConfEntry {
  std::string key;
  ConfValue value;
  int line;  // where the key stands, from 1
};

// Parses `key = value` lines: integers, "strings", 'strings', """long strings""", [ "lists" ], and
// # comments. Entries come in the order of the text; a key that is set again stands twice.
// Throws kConfSyntax (domain kConf): "FILE:LINE: what is wrong".
std::vector<ConfEntry> ParseConf(std::string_view text, std::string_view file_name);

}  // namespace bv
