#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/json.h"

namespace bv::upgrade {

// The descriptors that a process image leaves to the next one under their own numbers. All of ours are
// close-on-exec; these are so until KeepOpen().
class PassedFds {
 public:
  // Still the caller's, who keeps it open until the exec. The number, for the state.
  int Pass(int fd);
  // A file in memory with this content, for what must not be in a file that others could find; ends
  // with this object. Throws kSystemError.
  int PassBytes(std::string_view bytes);

  void KeepOpen() { SetCloseOnExec(false); }
  void CloseOnExec() { SetCloseOnExec(true); }

 private:
  void SetCloseOnExec(bool on);

  std::vector<int> numbers_;
  std::vector<Fd> made_;
};

// The other side: takes descriptors by the numbers that a state names. Each can be taken once, and
// must be open and none of 0 to 2: kInternalError otherwise. What was taken is close-on-exec again.
class InheritedFds {
 public:
  Fd Take(int number);
  Fd Take(const Json& number) { return Take(NumberIn(number)); }
  // Owned by nobody, for those who keep numbers.
  int TakeNumber(int number) { return Take(number).Release(); }
  std::string TakeBytes(int number);
  const std::vector<int>& taken() const { return taken_; }

  // -1 for what is no number.
  static int NumberIn(const Json& number);

 private:
  std::vector<int> taken_;
};

}  // namespace bv::upgrade
