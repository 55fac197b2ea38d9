#include "daemon/options.h"

#include <fmt/core.h>
#include <getopt.h>

#include <climits>
#include <cstdlib>

#include "daemon/config_rows.h"
#include "daemon/paths.h"

namespace bv {

namespace {

// libvirt's release that this executable stands in for, in what scripts parse.
constexpr char kCompatibleVersion[] = "9.0.0";

constexpr OptionRow kOptions[] = {
    {'h', "help", nullptr, "Display program help"},
    {'v', "verbose", nullptr, "Verbose messages"},
    {'d', "daemon", nullptr, "Run as a daemon & write PID file"},
    {'l', "listen", nullptr, "Listen for TCP/IP connections"},
    {'t', "timeout", "secs", "Exit after timeout period"},
    {'f', "config", "file", "Configuration file"},
    {'V', "version", nullptr, "Display version information"},
    {'p', "pid-file", "file", "Change name of PID file"},
    {0, "help-config", nullptr, "Display the configuration keys"},
};
constexpr int kHelpConfig = 256;
constexpr int kCheckState = 257;

// Seconds as the original takes them: a number from 0 whose milliseconds fit an int.
std::optional<int> ParseTimeout(const char* text) {
  char* end;
  errno = 0;
  long value = std::strtol(text, &end, 10);
  if (errno != 0 || end == text || *end || value < 0 || value > INT_MAX / 1000) return std::nullopt;
  return static_cast<int>(value);
}

}  // namespace

std::span<const OptionRow> OptionRows() { return kOptions; }

bool Offers(const Personality& personality, const OptionRow& row) {
  return row.letter != 'l' || personality.kind == ServerKind::kMonolithic;
}

std::string VersionText(const std::string& program) {
  return fmt::format("{} (libvirt) {}\n", program, kCompatibleVersion);
}

std::string HelpText(const Personality& personality, const std::string& program) {
  std::string text = fmt::format("\nUsage:\n  {} [options]\n\nOptions:\n", program);
  for (const OptionRow& row : kOptions) {
    if (!Offers(personality, row)) continue;
    std::string form = row.letter ? fmt::format("-{} | --{}", row.letter, row.name) : fmt::format("     --{}", row.name);
    if (row.value) form += fmt::format(" <{}>", row.value);
    text += fmt::format("  {:<22} {}\n", form, row.help);
  }
  DriverEnvironment environment = MakeEnvironment();
  DaemonPaths paths = PathsOf(personality, environment);
  text += fmt::format("\nlibvirt {} daemon:\n\n  Default paths:\n", personality.about);
  text += fmt::format("\n    Configuration file (unless overridden by -f):\n      {}\n", paths.config_file);
  text += fmt::format("\n    Sockets:\n      {}\n", SocketPath(personality, paths.socket_dir, "-sock"));
  if (environment.privileged && personality.ServesRemote()) {
    text += fmt::format("      {}\n", SocketPath(personality, paths.socket_dir, "-sock-ro"));
  }
  if (personality.HasTcp()) {
    text += fmt::format("\n    TLS:\n      CA certificate: {}\n      Server certificate: {}\n      Server private key: {}\n",
                        paths.certificates.ca, paths.certificates.certificate, paths.certificates.key);
  }
  text += fmt::format("\n    PID file (unless overridden by -p):\n      {}\n\n", paths.pid_file);
  return text;
}

std::optional<Options> ParseOptions(const Personality& personality, int argc, char** argv, int& exit_status) {
  std::string program = argv[0];

  std::string letters;
  option longs[std::size(kOptions) + 2] = {};
  option* next = longs;
  for (const OptionRow& row : kOptions) {
    if (!Offers(personality, row)) continue;
    *next++ = {row.name, row.value ? required_argument : no_argument, nullptr, row.letter ? row.letter : kHelpConfig};
    if (!row.letter) continue;
    letters += row.letter;
    if (row.value) letters += ':';
  }

  *next = {"check-state", required_argument, nullptr, kCheckState};

  Options options;
  exit_status = EXIT_SUCCESS;
  optind = 0;
  for (int c; (c = getopt_long(argc, argv, letters.c_str(), longs, nullptr)) != -1;) {
    switch (c) {
      case 'v': options.verbose = true; break;
      case 'd': options.daemonize = true; break;
      case 'l': options.listen = true; break;
      case 'f': options.config_file = optarg; break;
      case 'p': if (*optarg) options.pid_file = optarg; break;
      case kCheckState: options.check_state = optarg; break;
      case 't':
        if (auto seconds = ParseTimeout(optarg)) {
          options.timeout = *seconds;
          break;
        }
        fmt::print(stderr, "{}: Invalid value for timeout: '{}'\n", program, optarg);
        exit_status = EXIT_FAILURE;
        return std::nullopt;
      case 'V': fmt::print("{}", VersionText(program)); return std::nullopt;
      case kHelpConfig: fmt::print("{}", ConfigTemplate(personality)); return std::nullopt;
      case 'h': fmt::print("{}", HelpText(personality, program)); return std::nullopt;
      default:
        // getopt has said what is wrong.
        fmt::print(stderr, "{}", HelpText(personality, program));
        exit_status = EXIT_FAILURE;
        return std::nullopt;
    }
  }
  // virtlogd and virtlockd let further words pass, and somebody's unit may rely on it.
  if (optind < argc && personality.ServesRemote()) {
    fmt::print(stderr, "{}: unexpected, non-option, command line arguments\n", program);
    exit_status = EXIT_FAILURE;
    return std::nullopt;
  }
  return options;
}

}  // namespace bv
