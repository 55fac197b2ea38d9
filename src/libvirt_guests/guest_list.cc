#include "libvirt_guests/guest_list.h"

#include "base/text.h"

namespace bv {

GuestList ParseGuestList(std::string_view text) {
  GuestList list;
  for (std::string_view line : SplitAt(text, '\n')) {
    auto words = Words(line);
    if (!words.empty()) list.push_back({std::string(words[0]), {words.begin() + 1, words.end()}});
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
