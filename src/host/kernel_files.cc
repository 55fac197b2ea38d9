#include "host/kernel_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/fd.h"
#include "base/files.h"

namespace bv::host {

std::optional<std::string> KernelFiles::Read(const std::string& path) const {
  Fd fd(open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text;
  char chunk[8192];
  ssize_t got;
  while ((got = read(fd.get(), chunk, sizeof chunk)) > 0) text.append(chunk, static_cast<std::size_t>(got));
  if (got < 0) return std::nullopt;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::optional<std::uint64_t> KernelFiles::ReadNumber(const std::string& path) const {
  auto text = Read(path);
  if (!text) return std::nullopt;
  std::uint64_t value;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::vector<unsigned> KernelFiles::ReadList(const std::string& path) const {
  return ParseCpuList(Read(path).value_or(""));
}

bool KernelFiles::Write(const std::string& path, std::string_view text) const {
  Fd fd(open((root_ + path).c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool KernelFiles::Exists(const std::string& path) const { return access((root_ + path).c_str(), F_OK) == 0; }

std::vector<std::string> KernelFiles::Names(const std::string& directory) const {
  return ListDirectory(root_ + directory);
}

std::vector<unsigned> KernelFiles::Numbered(const std::string& directory, std::string_view prefix) const {
  std::vector<unsigned> numbers;
  for (const std::string& name : Names(directory)) {
    if (!name.starts_with(prefix)) continue;
    unsigned number;
    const char* end = name.data() + name.size();
    auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<unsigned> ParseCpuList(std::string_view text) {
  std::vector<unsigned> members;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    unsigned first, last;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc()) return {};
    at = parsed.ptr;
    last = first;
    if (at < end && *at == '-') {
      parsed = std::from_chars(at + 1, end, last);
      if (parsed.ec != std::errc() || last < first) return {};
      at = parsed.ptr;
    }
    for (unsigned member = first; member <= last; ++member) members.push_back(member);
    if (at < end && *at != ',') return {};
    ++at;
  }
  return members;
}

std::string FormatCpuList(const std::vector<unsigned>& members) {
  std::string list;
  for (std::size_t i = 0; i < members.size();) {
    std::size_t last = i;
    while (last + 1 < members.size() && members[last + 1] == members[last] + 1) ++last;
    list += fmt::format("{}{}", list.empty() ? "" : ",", members[i]);
    if (last > i) list += fmt::format("-{}", members[last]);
    i = last + 1;
  }
  return list;
}

}  // namespace bv::host
