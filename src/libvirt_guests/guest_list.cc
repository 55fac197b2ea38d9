#include "libvirt_guests/guest_list.h"

#include <sstream>

namespace bv {

GuestList ParseGuestList(std::string_view text) {
  GuestList list;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    GuestListEntry entry;
    if (!(words >> entry.uri)) continue;
    for (std::string uuid; words >> uuid;) entry.uuids.push_back(uuid);
    list.push_back(std::move(entry));
  }
  return list;
}

std::string FormatGuestList(const GuestList& list) {
  std::string text;
  for (const GuestListEntry& entry : list) {
    text += entry.uri;
    for (const std::string& uuid : entry.uuids) text += " " + uuid;
    text += "\n";
  }
  return text;
}

}  // namespace bv
