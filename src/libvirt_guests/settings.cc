#include "libvirt_guests/settings.h"

#include <fmt/core.h>

#include <charconv>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "libvirt_guests/shell_assignments.h"

namespace bv {

namespace {

using S = GuestsSettings;

template <int S::*member>
bool Number(S& settings, const std::string& value) {
  auto end = value.data() + value.size();
  auto parsed = std::from_chars(value.data(), end, settings.*member);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Whatever is not 0 means yes.
template <bool S::*member>
bool Flag(S& settings, const std::string& value) {
  settings.*member = value != "0";
  return true;
}

bool Uris(S& settings, const std::string& value) {
  auto words = Words(value);
  settings.uris.assign(words.begin(), words.end());
  return true;
}

bool OnBoot(S& settings, const std::string& value) {
  settings.start_on_boot = value == "start";
  return true;
}

bool OnShutdown(S& settings, const std::string& value) {
  settings.suspend = value != "shutdown";
  return true;
}

constexpr GuestsSettingRow kRows[] = {
    {"URIS", "default",
     "The connections whose guests are looked after, separated by blanks, for instance\n"
     "'qemu:///system lxc:///system'. \"default\" is what clients get that name none.",
     &Uris},
    {"ON_BOOT", "ignore",
     "At the host's start: \"start\" the guests that ran when it ended, marked for\n"
     "autostart or not, or \"ignore\" them.",
     &OnBoot},
    {"START_DELAY", "0", "Seconds to let pass between two guests' starts.", &Number<&S::start_delay>},
    {"ON_SHUTDOWN", "shutdown",
     "At the host's end: \"suspend\" guests to disk (managed save), or \"shutdown\": press\n"
     "their power buttons and wait. A guest that does not react cannot be told from one\n"
     "that is slow, so SHUTDOWN_TIMEOUT should suit the slowest.",
     &OnShutdown},
    {"PARALLEL_SHUTDOWN", "0",
     "How many guests may be shutting down at a time. 0 or 1: one after another.", &Number<&S::parallel_shutdown>},
    {"SHUTDOWN_TIMEOUT", "300",
     "Seconds to wait for a guest that is shutting down, or, when several do so at a time,\n"
     "for all guests of a connection. 0: without limit.",
     &Number<&S::shutdown_timeout>},
    {"BYPASS_CACHE", "0", "1 to save and restore past the host's page cache, where the file system lets us.",
     &Flag<&S::bypass_cache>},
    {"SYNC_TIME", "0", "1 to set the clocks of guests that are started; they need the guest agent for it.",
     &Flag<&S::sync_time>},
};

}  // namespace

std::span<const GuestsSettingRow> GuestsSettingRows() { return kRows; }

GuestsSettings DefaultGuestsSettings() {
  GuestsSettings settings;
  for (const GuestsSettingRow& row : kRows) row.apply(settings, std::string(row.default_value));
  return settings;
}

void ApplyGuestsSettings(GuestsSettings& settings, std::string_view text, std::string_view file_name) {
  for (const ShellAssignment& assignment : ParseShellAssignments(text, file_name)) {
    for (const GuestsSettingRow& row : kRows) {
      if (row.name != assignment.name || row.apply(settings, assignment.value)) continue;
      throw Error(ErrorDomain::kConf, ErrorCode::kConfSyntax,
                  fmt::format("{}:{}: {} takes a number, not '{}'", file_name, assignment.line, row.name, assignment.value));
    }
  }
}

GuestsSettings ReadGuestsSettings() {
  GuestsSettings settings = DefaultGuestsSettings();
  for (const char* path : {BV_SYSCONFDIR "/sysconfig/libvirt-guests", BV_SYSCONFDIR "/default/libvirt-guests"}) {
    if (auto text = ReadFileIfExists(path)) ApplyGuestsSettings(settings, *text, path);
  }
  return settings;
}

std::string GuestsSettingsTemplate() {
  std::string text = "# Settings of libvirt-guests(8): what becomes of guests at the host's start and end.\n";
  for (const GuestsSettingRow& row : kRows) {
    text += "\n# ";
    for (char c : row.help) text += c == '\n' ? std::string("\n# ") : std::string(1, c);
    text += fmt::format("\n#{}={}\n", row.name, row.default_value);
  }
  return text;
}

}  // namespace bv
