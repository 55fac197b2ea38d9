#include "daemon/background.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace bv {

namespace {

const char* Describe(unsigned char result) {
  switch (static_cast<StartResult>(result)) {
    case StartResult::kRunning: return "running";
    case StartResult::kPidFile: return "Unable to obtain pidfile";
    case StartResult::kRunDir: return "Unable to create rundir";
    case StartResult::kInit: return "Unable to initialize";
    case StartResult::kSignals: return "Unable to setup signal handlers";
    case StartResult::kNetwork: return "Unable to initialize network sockets";
    case StartResult::kConfig: return "Unable to load configuration file";
    case StartResult::kAudit: return "Unable to initialize audit system";
    case StartResult::kDriver: return "Unable to initialize driver";
  }
  return "unknown error";
}

// Waits for one byte from the daemon; its absence means that it died.
[[noreturn]] void WaitAndExit(int fd, const char* program) {
  unsigned char result;
  ssize_t got;
  do {
    got = read(fd, &result, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1 && result == 0) _exit(EXIT_SUCCESS);
  fmt::print(stderr, "{}: error: {}. Check /var/log/messages or run without --daemon for more info.\n", program,
             got == 1 ? Describe(result) : "the daemon ended before it was ready");
  _exit(EXIT_FAILURE);
}

void ReplaceWithNull(int fd, int flags) {
  Fd null(open("/dev/null", flags));
  if (null.get() != fd) {
    dup2(null.get(), fd);
  } else {
    null.Release();
  }
}

}  // namespace

ParentPipe ParentPipe::ForkIntoBackground(const char* program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) throw SystemError(ErrorDomain::kNone, "cannot make a pipe");
  Fd reader(ends[0]), writer(ends[1]);
  pid_t pid = fork();
  if (pid < 0) throw SystemError(ErrorDomain::kNone, "cannot fork");
  if (pid > 0) {
    writer.Reset();
    WaitAndExit(reader.get(), program);
  }
  reader.Reset();
  setsid();
  // A second fork, so that no terminal can become ours.
  pid = fork();
  if (pid < 0) throw SystemError(ErrorDomain::kNone, "cannot fork");
  if (pid > 0) _exit(EXIT_SUCCESS);
  if (chdir("/") < 0) throw SystemError(ErrorDomain::kNone, "cannot change to /");
  ReplaceWithNull(STDIN_FILENO, O_RDONLY);
  ReplaceWithNull(STDOUT_FILENO, O_WRONLY);
  ReplaceWithNull(STDERR_FILENO, O_WRONLY);
  return ParentPipe(std::move(writer));
}

void ParentPipe::Report(StartResult result) {
  if (!fd_) return;
  auto byte = static_cast<unsigned char>(result);
  [[maybe_unused]] auto written = write(fd_.get(), &byte, 1);
  fd_.Reset();
}

}  // namespace bv
