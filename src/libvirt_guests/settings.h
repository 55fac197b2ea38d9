#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bv {

// What libvirt-guests does at the host's start and end, as its settings file says: assignments in the
// shell's syntax, names and meanings as libvirt's.
struct GuestsSettings {
  std::vector<std::string> uris;
  bool start_on_boot = false;
  bool suspend = false;        // at the host's end; else guests are shut down
  int start_delay = 0;         // seconds between starts
  int parallel_shutdown = 0;   // guests at a time; up to 1 is one after another
  int shutdown_timeout = 0;    // seconds; 0 is for ever
  bool bypass_cache = false, sync_time = false;
};

// One setting, said once: reading, the installed template and the manual page follow.
struct GuestsSettingRow {
  std::string_view name;
  std::string_view default_value;
  std::string_view help;
  // False when `value` means nothing.
  bool (*apply)(GuestsSettings& settings, const std::string& value);
};
std::span<const GuestsSettingRow> GuestsSettingRows();

GuestsSettings DefaultGuestsSettings();
// Lays the assignments of a file over `settings`. Names that are not ours are skipped, as a shell would.
// Throws kConfSyntax with "FILE:LINE: what is wrong".
void ApplyGuestsSettings(GuestsSettings& settings, std::string_view text, std::string_view file_name);
// The defaults and SYSCONFDIR's sysconfig/libvirt-guests and default/libvirt-guests, where they are. Blocks.
GuestsSettings ReadGuestsSettings();

// The file as it is installed: every setting commented out.
std::string GuestsSettingsTemplate();

}  // namespace bv
