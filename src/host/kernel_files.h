#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv::host {

// The kernel's small files (/proc, /sys). Tests give a directory that stands for /; what reads from
// disk-backed files must not use this, since it reads on the caller's thread.
class KernelFiles {
 public:
  explicit KernelFiles(std::string root = "") : root_(std::move(root)) {}

  // Without the line end; nullopt when the file is not there or cannot be read.
  std::optional<std::string> Read(const std::string& path) const;
  std::optional<std::uint64_t> ReadNumber(const std::string& path) const;
  // "0-3,8": the members in order; empty when the file is not there.
  std::vector<unsigned> ReadList(const std::string& path) const;
  // False when the kernel refused, with errno set.
  bool Write(const std::string& path, std::string_view text) const;
  bool Exists(const std::string& path) const;
  // Names in a directory, sorted, without "." and "..".
  std::vector<std::string> Names(const std::string& directory) const;
  // The numbers N of the entries PREFIXN of a directory, sorted.
  std::vector<unsigned> Numbered(const std::string& directory, std::string_view prefix) const;

 private:
  std::string root_;
};

// "0-3,8" to its members; what is not such a list gives nothing.
std::vector<unsigned> ParseCpuList(std::string_view text);
// The opposite.
std::string FormatCpuList(const std::vector<unsigned>& members);

}  // namespace bv::host
