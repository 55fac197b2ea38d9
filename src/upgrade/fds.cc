#include "upgrade/fds.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <climits>

#include "base/error.h"

namespace bv::upgrade {

int PassedFds::Pass(int fd) {
  numbers_.push_back(fd);
  return fd;
}

int PassedFds::PassBytes(std::string_view bytes) {
  Fd fd(memfd_create("state", MFD_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot create a file in memory");
  while (!bytes.empty()) {
    auto written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0) throw SystemError(ErrorDomain::kNone, "cannot write to a file in memory");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return Pass(made_.emplace_back(std::move(fd)).get());
}

void PassedFds::SetCloseOnExec(bool on) {
  for (int fd : numbers_) fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int InheritedFds::NumberIn(const Json& number) {
  auto value = number.AsInt();
  return value && *value >= 0 && *value <= INT_MAX ? static_cast<int>(*value) : -1;
}

Fd InheritedFds::Take(int number) {
  bool usable = number > 2 && std::ranges::find(taken_, number) == taken_.end() && fcntl(number, F_GETFD) >= 0;
  if (!usable) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                "the state names descriptor " + std::to_string(number) + ", which cannot be taken over");
  }
  taken_.push_back(number);
  fcntl(number, F_SETFD, FD_CLOEXEC);
  return Fd(number);
}

std::string InheritedFds::TakeBytes(int number) {
  Fd fd = Take(number);
  std::string bytes;
  char part[4096];
  for (ssize_t got; (got = pread(fd.get(), part, sizeof part, static_cast<off_t>(bytes.size()))) > 0;) {
    bytes.append(part, static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace bv::upgrade
