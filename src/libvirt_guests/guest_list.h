#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bv {

// The guests that ran at a connection when the host ended.
struct GuestListEntry {
  std::string uri;
  std::vector<std::string> uuids;
  bool operator==(const GuestListEntry&) const = default;
};
using GuestList = std::vector<GuestListEntry>;

// /var/lib/libvirt/libvirt-guests, libvirt's own format: a line a connection, "URI UUID UUID...".
GuestList ParseGuestList(std::string_view text);
std::string FormatGuestList(const GuestList& list);

}  // namespace bv
