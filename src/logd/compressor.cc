#include "logd/compressor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "logd/compressed_file.h"
#include "logd/log_files.h"

namespace bv::logd {

void Compressor::Add(const std::string& path) {
  if (stopping_ || std::ranges::find(waiting_, path) != waiting_.end()) return;
  waiting_.push_back(path);
  if (!running_) {
    running_ = true;
    ended_.Reset();
    Spawn(Run(), "compress logs");
  }
}

Task<> Compressor::Stop(Deadline deadline) {
  stopping_ = true;
  if (running_) co_await ended_.Wait(deadline);
}

Task<> Compressor::Run() {
  while (!waiting_.empty() && !stopping_) {
    std::string path = std::move(waiting_.front());
    waiting_.pop_front();
    try {
      co_await CompressBackups(path);
    } catch (const Error& error) {
      LogWarn("logging.log_handler", "the backups of {} stay as they are: {}", path, error.what());
    }
  }
  running_ = false;
  ended_.Set();
}

Task<> Compressor::CompressBackups(std::string path) {
  // The oldest first: it has the least time left.
  for (unsigned number = max_backups_; number-- > 0 && !stopping_;) {
    auto compress = [path, number]() -> std::uint64_t {
      Fd plain(open(BackupName(path, number).c_str(), O_RDONLY | O_CLOEXEC));
      if (!plain) return 0;
      // Done before, and killed before the plain one was removed.
      std::uint64_t inode = InodeOf(plain.get()), compressed = CompressedInode(CompressedName(path, number));
      if (compressed == inode) return inode;
      // Another's file under that name: the plain one has to stay.
      if (FileExists(CompressedName(path, number))) return 0;
      CompressTo(CompressingName(path), plain.get());
      return inode;
    };
    std::uint64_t inode = co_await Offload(std::move(compress));
    if (inode == 0) continue;
    auto held = co_await hold_(path);
    auto replace = [path, inode, backups = max_backups_] { Replace(path, inode, backups); };
    co_await Offload(std::move(replace));
  }
}

// Names do not move while we look: the log is held.
void Compressor::Replace(const std::string& path, std::uint64_t inode, unsigned backups) {
  for (unsigned number = 0; number < backups; ++number) {
    if (InodeOf(BackupName(path, number)) != inode) continue;
    bool there = CompressedInode(CompressedName(path, number)) == inode ||
                 rename(CompressingName(path).c_str(), CompressedName(path, number).c_str()) == 0;
    if (there) unlink(BackupName(path, number).c_str());
    break;
  }
  unlink(CompressingName(path).c_str());
}

}  // namespace bv::logd
