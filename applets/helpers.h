#pragma once

#include <span>
#include <string_view>

namespace bv {

// What `busyvirt NAME` does besides being a daemon. argv[0] is NAME.
struct Helper {
  std::string_view name;
  std::string_view about;
  int (*run)(int argc, char** argv);
  bool linked = false;  // has a link of its own beside the daemons'
};

std::span<const Helper> Helpers();
const Helper* FindHelper(std::string_view name);

int Supervise(int argc, char** argv);
int Switch(int argc, char** argv);
int RunLibvirtGuests(int argc, char** argv);

// What libvirt-guests can be told, for its help and manual page.
struct GuestsCommand {
  std::string_view name, about;
};
std::span<const GuestsCommand> GuestsCommands();

// `busyvirt --install [-s] DIR`: links to this executable under every daemon's name.
int InstallLinks(int argc, char** argv);

}  // namespace bv
