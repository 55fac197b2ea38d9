#include "qemu/command_line/arguments.h"

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

std::string CommandLine::AddFdSet(int fd, std::string_view purpose) {
  unsigned set = fd_sets_++;
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
