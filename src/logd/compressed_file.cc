#include "logd/compressed_file.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "logd/log_files.h"

namespace bv::logd {

namespace {

// Text repeats itself within little; a larger window would cost memory for nothing.
constexpr int kWindowLog = 17, kLevel = 3;
constexpr std::size_t kStep = 64 * 1024;

struct [[gnu::packed]] Preface {
  std::uint32_t frame = htole32(0x184D2A5B);
  std::uint32_t size = htole32(16);
  char magic[8] = {'b', 'v', 'l', 'o', 'g', 'd', 0, 1};
  std::uint64_t inode = 0;
};
static_assert(sizeof(Preface) == 24);

void WriteAll(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    auto written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError(ErrorDomain::kNone, "cannot write to " + path);
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

// Takes a file that was not finished away again.
struct Unfinished {
  ~Unfinished() {
    if (!done) unlink(path.c_str());
  }
  const std::string& path;
  bool done = false;
};

}  // namespace

std::uint64_t CompressedInode(int fd) {
  Preface ours, found;
  if (pread(fd, &found, sizeof found, 0) != sizeof found) return 0;
  return memcmp(&found, &ours, offsetof(Preface, inode)) == 0 ? le64toh(found.inode) : 0;
}

std::uint64_t CompressedInode(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? CompressedInode(fd.get()) : 0;
}

void CompressTo(const std::string& path, int source) {
  Fd out(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) throw SystemError(ErrorDomain::kNone, "cannot create " + path);
  Unfinished unfinished{path};
  Preface preface;
  preface.inode = htole64(InodeOf(source));
  WriteAll(out.get(), reinterpret_cast<const char*>(&preface), sizeof preface, path);

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_strategy, ZSTD_dfast);  // the only one: libzstd_without.cc
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, kWindowLog);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  auto input = std::make_unique<char[]>(kStep), output = std::make_unique<char[]>(kStep);
  off_t offset = 0;
  for (bool end = false; !end;) {
    auto got = pread(source, input.get(), kStep, offset);
    if (got < 0) throw SystemError(ErrorDomain::kNone, "cannot read what becomes " + path);
    end = got == 0;
    offset += got;
    ZSTD_inBuffer in{input.get(), static_cast<std::size_t>(got), 0};
    std::size_t left;
    do {
      ZSTD_outBuffer to{output.get(), kStep, 0};
      left = ZSTD_compressStream2(context.get(), &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left)) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, ZSTD_getErrorName(left));
      WriteAll(out.get(), output.get(), to.pos, path);
    } while (end ? left > 0 : in.pos < in.size);
  }
  if (fsync(out.get()) < 0) throw SystemError(ErrorDomain::kNone, "cannot write to " + path);
  unfinished.done = true;
}

void ReadCompressed(int fd, std::uint64_t offset, std::uint64_t max, std::string& data) {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  auto input = std::make_unique<char[]>(kStep), output = std::make_unique<char[]>(kStep);
  off_t from = 0;
  while (data.size() < max) {
    auto got = pread(fd, input.get(), kStep, from);
    if (got <= 0) return;
    from += got;
    ZSTD_inBuffer in{input.get(), static_cast<std::size_t>(got), 0};
    ZSTD_outBuffer out{output.get(), kStep, 0};
    do {
      out.pos = 0;
      if (ZSTD_isError(ZSTD_decompressStream(context.get(), &out, &in))) return;
      auto skipped = std::min<std::uint64_t>(offset, out.pos);
      offset -= skipped;
      data.append(output.get() + skipped, std::min<std::uint64_t>(out.pos - skipped, max - data.size()));
    } while (data.size() < max && (in.pos < in.size || out.pos == out.size));
  }
}

}  // namespace bv::logd
