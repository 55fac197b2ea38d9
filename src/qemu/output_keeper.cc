#include "qemu/output_keeper.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wait.h"
#include "daemon/companion.h"
#include "protocol/log_protocol.h"
#include "qemu/config.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

// Of a log, for one error message.
constexpr std::uint64_t kMostRead = 128 << 10;
constexpr auto kCallLimit = 30s;

// --- virtlogd ------------------------------------------------------------------------------------

class LogdKeeper : public OutputKeeper {
 public:
  LogdKeeper(std::shared_ptr<rpc::Client> client, Uuid uuid, std::string name)
      : client_(std::move(client)), domain_{uuid, std::move(name)} {}

  Task<Fd> OpenLog(std::string path) override { return Open(std::move(path), 0); }
  Task<Fd> OpenFile(std::string path, bool append) override {
    return Open(std::move(path), append ? 0 : log_protocol::kDomainOpenLogFileTruncate);
  }

  Task<Mark> End(std::string path) override {
    log_protocol::DomainGetLogFilePositionArgs args{path, 0};
    auto extra = Limited();
    auto ret = co_await client_->Call<log_protocol::proc::DomainGetLogFilePosition>(args, &extra);
    co_return Mark{ret.pos.inode, ret.pos.offset};
  }

  Task<std::string> ReadFrom(std::string path, Mark mark) override {
    try {
      // Makes it take what is in the pipe still. One that has seen QEMU's end took everything.
      co_await End(path);
    } catch (const Error&) {
    }
    log_protocol::DomainReadLogFileArgs args{path, {mark.inode, mark.offset}, kMostRead, 0};
    auto extra = Limited();
    auto ret = co_await client_->Call<log_protocol::proc::DomainReadLogFile>(args, &extra);
    co_return ret.data;
  }

  Task<> Append(std::string path, std::string text) override {
    log_protocol::DomainAppendLogFileArgs args{kDriver, domain_, path, text, 0};
    auto extra = Limited();
    co_await client_->Call<log_protocol::proc::DomainAppendLogFile>(args, &extra);
  }

 private:
  static constexpr char kDriver[] = "qemu";

  static rpc::Client::Extra Limited() {
    rpc::Client::Extra extra;
    extra.deadline = In(kCallLimit);
    return extra;
  }

  Task<Fd> Open(std::string path, std::uint32_t flags) {
    log_protocol::DomainOpenLogFileArgs args{kDriver, domain_, path, flags};
    auto extra = Limited();
    co_await client_->Call<log_protocol::proc::DomainOpenLogFile>(args, &extra);
    if (extra.reply_fds.empty()) throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "virtlogd sent no descriptor for " + path);
    co_return std::move(extra.reply_fds[0]);
  }

  std::shared_ptr<rpc::Client> client_;
  const log_protocol::Domain domain_;
};

// --- plain files ---------------------------------------------------------------------------------

Fd OpenForAppending(const std::string& path) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to create logfile {}", path));
  return fd;
}

OutputKeeper::Mark EndOf(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, static_cast<std::uint64_t>(info.st_size)};
}

std::string Tail(const std::string& path, OutputKeeper::Mark mark) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd || fstat(fd.get(), &info) != 0) return {};
  auto size = static_cast<std::uint64_t>(info.st_size);
  // Somebody has rotated it: all of the new file is ours.
  auto from = info.st_ino == mark.inode ? mark.offset : 0;
  if (size > from + kMostRead) from = size - kMostRead;
  std::string text(static_cast<std::size_t>(size > from ? size - from : 0), '\0');
  auto got = pread(fd.get(), text.data(), text.size(), static_cast<off_t>(from));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

void WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    auto written = write(fd, text.data(), text.size());
    if (written <= 0) throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to write to domain logfile {}", path));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

class FileKeeper : public OutputKeeper {
 public:
  explicit FileKeeper(bool truncate_logs) : truncate_logs_(truncate_logs) {}

  Task<Fd> OpenLog(std::string path) override {
    return Offload([path, truncate = truncate_logs_] {
      Fd fd = OpenForAppending(path);
      if (truncate && ftruncate(fd.get(), 0) != 0)
        throw SystemError(ErrorDomain::kQemu, fmt::format("failed to truncate {}", path));
      return fd;
    });
  }
  Task<Fd> OpenFile(std::string path, bool append) override {
    return Offload([path, append] {
      Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0600));
      if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to pre-create chardev file '{}'", path));
      return fd;
    });
  }
  Task<Mark> End(std::string path) override {
    return Offload([path] { return EndOf(path); });
  }
  Task<std::string> ReadFrom(std::string path, Mark mark) override {
    return Offload([path, mark] { return Tail(path, mark); });
  }
  Task<> Append(std::string path, std::string text) override {
    return Offload([path, text] { WriteAll(OpenForAppending(path).get(), text, path); });
  }

 private:
  const bool truncate_logs_;
};

}  // namespace

Task<std::unique_ptr<OutputKeeper>> OutputKeeper::Make(const QemuConfig& config, Uuid uuid, std::string name) {
  if (config.stdio_handler == "file") co_return std::make_unique<FileKeeper>(!config.privileged);
  Companion virtlogd{"virtlogd", config.dirs.sockets + "/virtlogd-sock", config.privileged};
  auto client = co_await Connect(virtlogd);
  co_return std::make_unique<LogdKeeper>(std::move(client), uuid, std::move(name));
}

}  // namespace bv::qemu
