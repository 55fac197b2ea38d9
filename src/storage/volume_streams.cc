// The bytes of volumes, to and from clients.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "storage/storage_driver.h"

namespace bv::storage {

namespace {

using File = std::shared_ptr<Fd>;

constexpr unsigned kSparse = 1;  // both ways
constexpr std::uint64_t kNoEnd = UINT64_MAX;
constexpr std::size_t kPiece = 256 << 10;

Error StreamError(int error_number, const std::string& what) { return SystemError(ErrorDomain::kStreams, error_number, what); }

File Open(const std::string& path, int flags, std::uint64_t offset) {
  Fd fd(open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY));
  if (!fd) throw StreamError(errno, "Unable to open stream for '" + path + "'");
  struct stat info;
  if (fstat(fd.get(), &info) < 0) throw StreamError(errno, "Unable to access stream for '" + path + "'");
  if (S_ISDIR(info.st_mode)) throw StreamError(EISDIR, "Unable to open stream for '" + path + "'");
  if (offset > INT64_MAX) throw StreamError(EINVAL, fmt::format("Unable to seek {} to {}", path, offset));
  return std::make_shared<Fd>(std::move(fd));
}

std::uint64_t EndOf(std::uint64_t offset, std::uint64_t length) {
  return length == 0 || length > kNoEnd - offset ? kNoEnd : offset + length;
}

// A volume that streams have hold of. Copies count as well.
class InUse {
 public:
  InUse(VolumePtr volume, const std::function<void()>& on_end) : volume_(std::move(volume)), on_end_(on_end) { ++volume_->in_use; }
  InUse(const InUse&) = delete;
  ~InUse() {
    --volume_->in_use;
    on_end_();
  }

 private:
  VolumePtr volume_;
  const std::function<void()> on_end_;
};

void WriteAll(int fd, const std::vector<std::uint8_t>& data, std::uint64_t at) {
  std::size_t done = 0;
  while (done < data.size()) {
    auto n = pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw StreamError(errno, "cannot write to stream");
    done += static_cast<std::size_t>(n);
  }
}

// Zeroes without writing them where the file system can.
void WriteHole(int fd, std::uint64_t at, std::uint64_t length) {
  struct stat info;
  if (fstat(fd, &info) < 0) throw StreamError(errno, "cannot write to stream");
  auto end = static_cast<off_t>(at + length);
  if (S_ISREG(info.st_mode) && end > info.st_size && ftruncate(fd, end) < 0) throw StreamError(errno, "cannot write to stream");
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), static_cast<off_t>(length)) == 0) return;
  std::vector<std::uint8_t> zeroes(kPiece);
  while (length > 0) {
    zeroes.resize(std::min<std::uint64_t>(length, kPiece));
    WriteAll(fd, zeroes, at);
    at += zeroes.size();
    length -= zeroes.size();
  }
}

// What comes next in a file: bytes, or how many zeroes.
struct Piece {
  std::vector<std::uint8_t> data;
  std::uint64_t hole = 0;
};

Piece ReadPiece(int fd, std::uint64_t at, std::uint64_t end, bool sparse) {
  Piece piece;
  auto size = std::min<std::uint64_t>(kPiece, end - at);
  if (sparse) {
    auto data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      // Nothing but a hole to the end.
      auto last = lseek(fd, 0, SEEK_END);
      auto until = std::min(end, last > 0 ? static_cast<std::uint64_t>(last) : 0);
      piece.hole = until > at ? until - at : 0;
      return piece;
    }
    if (data >= 0 && static_cast<std::uint64_t>(data) > at) {
      piece.hole = std::min(end, static_cast<std::uint64_t>(data)) - at;
      return piece;
    }
    if (auto hole = lseek(fd, static_cast<off_t>(at), SEEK_HOLE); hole > static_cast<off_t>(at)) {
      size = std::min<std::uint64_t>(size, static_cast<std::uint64_t>(hole) - at);
    }
  }
  piece.data.resize(size);
  ssize_t n;
  do n = pread(fd, piece.data.data(), size, static_cast<off_t>(at));
  while (n < 0 && errno == EINTR);
  if (n < 0) throw StreamError(errno, "cannot read from stream");
  piece.data.resize(static_cast<std::size_t>(n));
  return piece;
}

Task<> SendVolume(VolumePtr volume, rpc::StreamPtr stream, File file, std::uint64_t at, std::uint64_t end, std::function<void()> on_end) {
  // Ended before the client hears of the end, and may go on with the volume.
  std::optional<InUse> use(std::in_place, volume, on_end);
  try {
    while (at < end) {
      auto read = [file, at, end, sparse = stream->sparse()] { return ReadPiece(file->get(), at, end, sparse); };
      Piece piece = co_await Offload(read);
      if (piece.hole > 0) {
        if (!co_await stream->WriteHole(static_cast<std::int64_t>(piece.hole))) co_return;
        at += piece.hole;
        continue;
      }
      if (piece.data.empty()) break;
      std::span<const std::uint8_t> data(piece.data);
      if (!co_await stream->Write(data)) co_return;
      at += piece.data.size();
    }
    use.reset();
    stream->WriteEnd();
    stream->Finish();
  } catch (const Error& error) {
    use.reset();
    stream->Fail(error);
  }
}

}  // namespace

// What was written may be an image of another kind now: the pool is looked at again.
Task<> StorageDriver::ReceiveVolume(PoolPtr pool, VolumePtr volume, rpc::StreamPtr stream, File file, std::uint64_t at, std::uint64_t end) {
  using Kind = rpc::ServerStream::Chunk::Kind;
  std::optional<Error> failure;
  bool finished = false;
  {
    InUse use(volume, on_idle_);
    bool done = false;
    while (!done && !failure) {
      auto chunk = co_await stream->Read();
      std::uint64_t length = chunk.kind == Kind::kHole ? static_cast<std::uint64_t>(chunk.hole) : chunk.data.size();
      try {
        if (chunk.kind == Kind::kFinish || chunk.kind == Kind::kAbort) {
          done = true;
          finished = chunk.kind == Kind::kFinish;
        } else if (length > end - at) {
          throw StreamError(ENOSPC, "cannot write to stream");
        } else if (chunk.kind == Kind::kHole) {
          auto work = [file, at, length] { storage::WriteHole(file->get(), at, length); };
          co_await Offload(work);
        } else {
          auto data = std::make_shared<std::vector<std::uint8_t>>(std::move(chunk.data));
          auto work = [file, at, data] { WriteAll(file->get(), *data, at); };
          co_await Offload(work);
        }
        at += length;
      } catch (const Error& error) {
        failure = error;
      }
    }
    auto close = [moved = std::move(file)]() mutable { moved.reset(); };
    co_await Offload(std::move(close));
  }
  if (failure) stream->Fail(*failure);
  if (finished) stream->Finish();
  auto turn = co_await BeginChange(pool);
  if (!pool->active || pool->jobs > 0) co_return;
  try {
    co_await RefreshPool(pool);
    TellRefreshed(*pool);
  } catch (const Error& error) {
    LogWarn("storage.storage_driver", "Failed to refresh storage pool '{}': {}", pool->def.name, error.message);
  }
}

Task<> StorageDriver::Upload(Call& call, remote::StorageVolUploadArgs args) {
  RefuseFlags(args.flags, kSparse, "storageVolUpload");
  auto located = Locate(args.vol);
  PoolPtr pool = located.pool;
  VolumePtr volume = located.volume;
  RequireFree(*volume);
  auto open_file = [path = volume->def.target.path, offset = args.offset] { return Open(path, O_WRONLY, offset); };
  File file = co_await Offload(open_file);
  Spawn(ReceiveVolume(pool, volume, call.OpenStream(), file, args.offset, EndOf(args.offset, args.length)), "volume upload");
}

Task<> StorageDriver::Download(Call& call, remote::StorageVolDownloadArgs args) {
  RefuseFlags(args.flags, kSparse, "storageVolDownload");
  VolumePtr volume = Locate(args.vol).volume;
  if (volume->building) {
    throw Error(ErrorDomain::kStorage, ErrorCode::kOperationInvalid, "volume '" + volume->def.name + "' is still being allocated.");
  }
  auto open_file = [path = volume->def.target.path, offset = args.offset] { return Open(path, O_RDONLY, offset); };
  File file = co_await Offload(open_file);
  Spawn(SendVolume(volume, call.OpenStream(), file, args.offset, EndOf(args.offset, args.length), on_idle_), "volume download");
}

}  // namespace bv::storage
