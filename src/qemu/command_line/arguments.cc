#include "qemu/command_line/arguments.h"

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/command_line/chardev_json.h"

namespace bv::qemu {

namespace {

// Quoted exactly when libvirt quotes, as people compare these lines.
constexpr std::string_view kSpecial = "\r\t\n !\"#$&'()*;<>?[\\]^`{|}~";

void AppendQuoted(std::string* out, std::string_view word) {
  if (!word.empty() && word.find_first_of(kSpecial) == word.npos) {
    out->append(word);
    return;
  }
  *out += '\'';
  for (char c : word) {
    if (c == '\'') out->append("'\\''");
    else *out += c;
  }
  *out += '\'';
}

}  // namespace

void CommandLine::Option(std::string_view option) {
  if (plugging)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("QEMU cannot be given '{}' while it runs", option));
  argv.emplace_back(option);
}

void CommandLine::Option(std::string_view option, std::string_view value) {
  Option(option);
  argv.emplace_back(value);
}

// `key` is the argument by which `undo` knows the thing; QEMU's commands for that call it the same, or "id".
void CommandLine::Step(const char* command, const Json& arguments, const char* undo, const char* key) {
  auto undo_arguments = Json::Object();
  if (*key) undo_arguments.Set(key, arguments[key]);
  steps.push_back({command, arguments, -1, undo, std::move(undo_arguments)});
}

void CommandLine::Device(const Props& props) {
  if (plugging) return Step("device_add", props.json(), "", "");
  Option("-device", json_devices ? props.Dump() : props.ToOptionString());
}

void CommandLine::Object(const Props& props) {
  if (plugging) return Step("object-add", props.json(), "object-del", "id");
  Option("-object", json_objects ? props.Dump() : props.ToOptionString());
}

void CommandLine::Netdev(const Props& props) {
  if (plugging) return Step("netdev_add", props.json(), "netdev_del", "id");
  Option("-netdev", json_netdevs ? props.Dump() : props.ToOptionString());
}

void CommandLine::Blockdev(const Props& props) {
  if (plugging) return Step("blockdev-add", props.json(), "blockdev-del", "node-name");
  Option("-blockdev", props.Dump());
}

void CommandLine::Chardev(const Props& props) {
  if (plugging) return Step("chardev-add", ChardevAddArguments(props.json()), "chardev-remove", "id");
  Option("-chardev", props.ToOptionString());
}

void CommandLine::WatchdogAction(std::string_view action) {
  if (plugging) return Step("set-action", Props().Add("watchdog", action).json(), "", "");
  Option("-watchdog-action", action);
}

std::string CommandLine::Inherit(int fd) {
  if (!plugging) {
    fds.push_back(fd);
    return std::to_string(fd);
  }
  auto name = fmt::format("fd-{}", fd);
  auto arguments = Props().Add("fdname", name).json();
  steps.push_back({"getfd", arguments, fd, "closefd", arguments});
  return name;
}

std::string CommandLine::AddFdSet(int fd, std::string_view purpose) {
  unsigned set = first_fd_set + fd_sets_++;
  if (plugging) {
    steps.push_back({"add-fd", Props().Add("fdset-id", set).Add("opaque", purpose).json(), fd, "remove-fd",
                     Props().Add("fdset-id", set).json()});
    return "/dev/fdset/" + std::to_string(set);
  }
  Option("-add-fd", OptionString().Add("set", set).Add("fd", Inherit(fd)).Add("opaque", purpose));
  return "/dev/fdset/" + std::to_string(set);
}

std::string CommandLine::ToShell(Layout layout) const {
  const char* next_line = layout == Layout::kLines ? "\\\n" : "";
  std::string text;
  for (auto& [name, value] : environment) {
    text.append(name).append("=");
    AppendQuoted(&text, value);
    text.append(" ").append(next_line);
  }
  bool after_option = false;
  for (auto& word : argv) {
    bool first = &word == &argv.front(), option = word.starts_with('-');
    // A value stays with its option; words that belong to none have a line each.
    if (!first) text.append(" ").append(option || !after_option ? next_line : "");
    AppendQuoted(&text, word);
    after_option = option;
  }
  return text;
}

}  // namespace bv::qemu
