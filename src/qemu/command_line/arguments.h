#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qemu/command_line/props.h"

namespace bv::qemu {

// One command to a running QEMU, and the one that takes back what it did ("" when another's does).
struct PlugStep {
  std::string command;
  Json arguments;
  int fd = -1;  // travels with it
  std::string undo;
  Json undo_arguments;
};

// What to start a guest with; or, when `plugging`, what to tell one that runs: descriptions of devices do
// not know which.
struct CommandLine {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> argv;
  std::vector<int> fds;  // descriptors that the arguments name, to be inherited under the same number

  bool plugging = false;
  std::vector<PlugStep> steps;
  unsigned first_fd_set = 0;

  // Which options this QEMU takes as JSON; the rest gets the older syntax.
  bool json_devices = true, json_objects = true, json_netdevs = true;

  // Notes that `fd` is used, and says by what name: its number, or what a running QEMU gets it as.
  std::string Inherit(int fd);
  // Adds a descriptor as a set of its own; "/dev/fdset/N".
  std::string AddFdSet(int fd, std::string_view purpose);

  // Throws kOperationUnsupported when plugging: what QEMU has no command for.
  void Option(std::string_view option);
  void Option(std::string_view option, std::string_view value);
  void Option(std::string_view option, const OptionString& value) { Option(option, value.str()); }

  void Device(const Props& props);
  void Object(const Props& props);
  void Netdev(const Props& props);
  void Blockdev(const Props& props);
  // The back end of a character device: its type as "driver", then the options of -chardev.
  void Chardev(const Props& props);
  void WatchdogAction(std::string_view action);

  // What a shell would run: the environment, then the words, quoted where needed. kLines has each option
  // on a line with its value, as libvirt writes logs.
  enum class Layout { kOneLine, kLines };
  std::string ToShell(Layout layout = Layout::kOneLine) const;

 private:
  void Step(const char* command, const Json& arguments, const char* undo, const char* key);
  unsigned fd_sets_ = 0;
};

}  // namespace bv::qemu
