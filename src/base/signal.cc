#include "base/signal.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/error.h"

namespace bv {

SignalWatch::SignalWatch(int signal_number, std::function<void()> on_signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_.Reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw SystemError(ErrorDomain::kNone, "cannot watch a signal");
  watch_ = std::make_unique<FdWatch>(fd_.get(), EPOLLIN,
                                     [fd = fd_.get(), on_signal = std::move(on_signal)](std::uint32_t) {
                                       signalfd_siginfo info;
                                       while (read(fd, &info, sizeof info) == sizeof info) on_signal();
                                     });
}

}  // namespace bv
