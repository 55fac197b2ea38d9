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

std::string CommandLine::ToShell() const {
  std::string text;
  for (auto& [name, value] : environment) {
    text.append(name).append("=");
    AppendQuoted(&text, value);
    text += ' ';
  }
  for (auto& word : argv) {
    AppendQuoted(&text, word);
    text += ' ';
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace bv::qemu
