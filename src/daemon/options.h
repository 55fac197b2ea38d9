#pragma once

#include <optional>
#include <span>
#include <string>

#include "daemon/personality.h"

namespace bv {

// What stood on a daemon's command line.
struct Options {
  bool daemonize = false;
  bool verbose = false;
  bool listen = false;
  int timeout = 0;  // seconds; 0 is never
  std::optional<std::string> config_file;
  std::optional<std::string> pid_file;
  std::optional<std::string> check_state;  // see daemon/reexec.h; not in --help
};

// An option of the command line.
struct OptionRow {
  char letter;  // 0: the long form only
  const char* name;
  const char* value;  // null when it takes none
  const char* help;
};
std::span<const OptionRow> OptionRows();
bool Offers(const Personality& personality, const OptionRow& row);

// Parses the options of `personality`, which are those of the original. What ends the program
// (--help, --version, --help-config, an error, said on stderr) is answered with the exit status in
// `exit_status` and nullopt.
std::optional<Options> ParseOptions(const Personality& personality, int argc, char** argv, int& exit_status);

// The text of --help for this user's paths.
std::string HelpText(const Personality& personality, const std::string& program);
std::string VersionText(const std::string& program);

}  // namespace bv
