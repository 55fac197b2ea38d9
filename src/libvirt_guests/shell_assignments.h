#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bv {

struct ShellAssignment {
  std::string name, value;
  int line;  // where it begins, from 1
};

// The assignments of a file that shells source: NAME=WORD, with `export` before it or not, where WORD is
// bare, 'quoted', "quoted" or several of these. Comments and whatever else a shell could run are skipped;
// nothing is expanded. Throws kConfSyntax (domain kConf) for a quote without its end.
std::vector<ShellAssignment> ParseShellAssignments(std::string_view text, std::string_view file_name);

}  // namespace bv
