#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv {

// Whole files. All of these block: from a handler, call them through Offload(). Failures throw
// kSystemError with domain kNone and the file's name.

// Files longer than `max` bytes are an error: nothing we read whole is large.
inline constexpr std::size_t kMaxFile = 16u << 20;
std::string ReadFile(const std::string& path, std::size_t max = kMaxFile);
// nullopt when the file does not exist.
std::optional<std::string> ReadFileIfExists(const std::string& path, std::size_t max = kMaxFile);

// Replaces `path` so that after a crash at any instant either the old or the new content is there:
// temporary file beside it, fsync, rename, fsync of the directory.
void WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode = 0600);
// One write(2), for files of the kernel (cgroup, sysfs).
void WriteToFile(const std::string& path, std::string_view content);

// mkdir -p; existing directories keep their mode.
void MakeDirs(const std::string& path, mode_t mode = 0755);
bool FileExists(const std::string& path);

// The names in a directory without "." and "..", sorted; none when it cannot be read.
std::vector<std::string> ListDirectory(const std::string& path);
// Those that end in `suffix` with something before it, hidden ones left out.
std::vector<std::string> ListDirectory(const std::string& path, std::string_view suffix);
// rm -rf, as far as it is allowed. Follows no symbolic link.
void RemoveTree(const std::string& path);

// An executable file, looked up in PATH unless the name has a slash.
std::optional<std::string> FindProgram(const std::string& name);

}  // namespace bv
