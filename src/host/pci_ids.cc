#include "host/pci_ids.h"

#include <fmt/core.h>

#include <string_view>

#include "base/error.h"
#include "base/files.h"

namespace bv::host {

namespace {
// The rest of the line that begins with `start`, which has its line's end in front; empty where there is none.
std::string_view RestOfLine(std::string_view text, const std::string& start) {
  std::size_t at = text.find(start);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + start.size());
  return text.substr(0, text.find('\n'));
}
}  // namespace

PciNames FindPciNames(unsigned vendor, unsigned device, const std::string& list) {
  PciNames names;
  std::string text;
  try {
    text = ReadFileIfExists(list).value_or("");
  } catch (const Error&) {
    return names;
  }
  // Vendors begin their lines, their devices are below them behind a tab; then come other lists.
  std::string start = fmt::format("\n{:04x}  ", vendor);
  std::string_view name = RestOfLine(text, start);
  if (name.empty()) return names;
  names.vendor = name;
  std::string_view rest = std::string_view(text).substr(static_cast<std::size_t>(name.data() - text.data()) + name.size());
  std::size_t end = 0;
  while ((end = rest.find('\n', end)) != std::string_view::npos && end + 1 < rest.size() && (rest[end + 1] == '\t' || rest[end + 1] == '#')) ++end;
  names.device = RestOfLine(rest.substr(0, end == std::string_view::npos ? rest.size() : end), fmt::format("\n\t{:04x}  ", device));
  return names;
}

}  // namespace bv::host
