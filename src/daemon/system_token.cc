#include "daemon/system_token.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"

namespace bv {

namespace {

constexpr std::size_t kBytes = 16;

std::string NewToken() {
  unsigned char bytes[kBytes];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) throw SystemError(ErrorDomain::kNone, "no random numbers");
  std::string text;
  for (unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace

std::string SystemToken(const std::string& state_dir) {
  std::string directory = state_dir + "/common", path = directory + "/system.token";
  MakeDirs(directory);
  Fd file(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file) throw SystemError(ErrorDomain::kNone, "Unable to open system token '" + path + "'");
  // Two daemons may come here first; the original's lock is of the same kind.
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  while (fcntl(file.get(), F_SETLKW, &lock) < 0) {
    if (errno != EINTR) throw SystemError(ErrorDomain::kNone, "Unable to lock system token '" + path + "'");
  }
  std::string token(2 * kBytes, '\0');
  ssize_t length = pread(file.get(), token.data(), token.size(), 0);
  if (length < 0) throw SystemError(ErrorDomain::kNone, "Unable to read system token '" + path + "'");
  token.resize(static_cast<std::size_t>(length));
  if (token.size() == 2 * kBytes) return token;
  if (!token.empty()) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "system token '" + path + "' is too short");
  token = NewToken();
  if (write(file.get(), token.data(), token.size()) != static_cast<ssize_t>(token.size()))
    throw SystemError(ErrorDomain::kNone, "Unable to write system token '" + path + "'");
  return token;
}

}  // namespace bv
