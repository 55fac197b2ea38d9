#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qemu/command_line/props.h"

namespace bv::qemu {

// What to start a guest with.
struct CommandLine {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> argv;
  std::vector<int> fds;  // descriptors that the arguments name, to be inherited under the same number

  // Which options this QEMU takes as JSON; the rest gets the older syntax.
  bool json_devices = true, json_objects = true, json_netdevs = true;

  // Notes that `fd` is used, and gives its number back.
  int Inherit(int fd) {
    fds.push_back(fd);
    return fd;
  }
  // Adds a descriptor as a set of its own; "/dev/fdset/N".
  std::string AddFdSet(int fd, std::string_view purpose);

  void Option(std::string_view option) { argv.emplace_back(option); }
  void Option(std::string_view option, std::string_view value) {
    argv.emplace_back(option);
    argv.emplace_back(value);
  }
  void Option(std::string_view option, const OptionString& value) { Option(option, value.str()); }

  void Device(const Props& props) { Option("-device", json_devices ? props.Dump() : props.ToOptionString()); }
  void Object(const Props& props) { Option("-object", json_objects ? props.Dump() : props.ToOptionString()); }
  void Netdev(const Props& props) { Option("-netdev", json_netdevs ? props.Dump() : props.ToOptionString()); }
  void Blockdev(const Props& props) { Option("-blockdev", props.Dump()); }

  // What a shell would run: the environment, then the words, quoted where needed. kLines has each option
  // on a line with its value, as libvirt writes logs.
  enum class Layout { kOneLine, kLines };
  std::string ToShell(Layout layout = Layout::kOneLine) const;

 private:
  unsigned fd_sets_ = 0;
};

}  // namespace bv::qemu
