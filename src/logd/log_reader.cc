#include "logd/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ranges>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "logd/compressed_file.h"

namespace bv::logd {

namespace {

struct Part {
  Fd fd;
  std::uint64_t inode;  // of the file before it was compressed
  bool compressed;
};

// Newest first, as far back as the file `wanted`. While we look, files may move on to the next name: that
// way round none is missed, and what is met twice is known by its inode.
std::vector<Part> OpenParts(const std::string& path, unsigned max_backups, std::uint64_t wanted) {
  std::vector<Part> parts;
  auto add = [&](const std::string& name, bool compressed) {
    Fd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return;
    std::uint64_t inode = compressed ? CompressedInode(fd.get()) : InodeOf(fd.get());
    bool seen = inode != 0 && std::ranges::find(parts, inode, &Part::inode) != parts.end();
    if (!seen) parts.push_back({std::move(fd), inode, compressed});
  };
  auto complete = [&] { return !parts.empty() && parts.back().inode == wanted; };
  add(path, false);
  if (parts.empty() && errno != ENOENT) throw SystemError(ErrorDomain::kNone, "Unable to open file: " + path);
  for (unsigned number = 0; number < max_backups && !complete(); ++number) {
    add(BackupName(path, number), false);
    if (!complete()) add(CompressedName(path, number), true);
  }
  return parts;
}

void ReadPlain(int fd, std::uint64_t offset, std::uint64_t max, std::string& data) {
  struct stat info;
  if (fstat(fd, &info) < 0 || static_cast<std::uint64_t>(info.st_size) <= offset) return;
  std::size_t before = data.size();
  data.resize(before + std::min<std::uint64_t>(max - before, static_cast<std::uint64_t>(info.st_size) - offset));
  std::size_t at = before;
  while (at < data.size()) {
    auto got = pread(fd, data.data() + at, data.size() - at, static_cast<off_t>(offset + at - before));
    if (got <= 0) break;
    at += static_cast<std::size_t>(got);
  }
  data.resize(at);
}

}  // namespace

std::string ReadLog(const std::string& path, unsigned max_backups, LogPosition from, std::uint64_t max) {
  std::vector<Part> parts = OpenParts(path, max_backups, from.inode);
  if (parts.empty()) {
    throw SystemError(ErrorDomain::kNone, ENOENT, "Unable to open file: " + path);
  }
  std::uint64_t offset = parts.back().inode == from.inode ? from.offset : 0;
  std::string data;
  for (const Part& part : std::views::reverse(parts)) {
    if (data.size() >= max) break;
    (part.compressed ? ReadCompressed : ReadPlain)(part.fd.get(), offset, max, data);
    offset = 0;
  }
  return data;
}

}  // namespace bv::logd
