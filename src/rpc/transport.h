#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.h"

namespace bv::rpc {

// How bytes get to the peer: a plain socket here; TLS and SASL layers implement the same. Never
// blocks. Owned by one Connection.
class Transport {
 public:
  enum class Result : uint8_t {
    kDone,   // some bytes were moved
    kAgain,  // none can be now; wait for WantedEvents()
    kEnd,    // the peer closed its side
    kError,  // the connection is unusable
  };

  virtual ~Transport() = default;

  // What to wait on.
  virtual int fd() const = 0;
  // The epoll events that let a read or a write go on. A layer may have to read in order to write.
  virtual uint32_t WantedEvents(bool want_read, bool want_write) const = 0;

  // Reads what is there into `into`; descriptors that came along are appended to `fds`.
  virtual Result Read(std::span<uint8_t> into, size_t& got, std::vector<Fd>& fds) = 0;
  // True when Read() has bytes already that the descriptor will not announce.
  virtual bool HasBuffered() const { return false; }
  virtual Result Write(std::span<const iovec> parts, size_t& put) = 0;

  // Unix sockets only.
  virtual bool PassesFds() const { return false; }
  // Sends one descriptor with one byte of value 0; kDone or kAgain or kError.
  virtual Result SendFd(int) { return Result::kError; }

  // True where the socket is all there is: a process that gets it can go on.
  virtual bool plain() const { return false; }

  // True when what is written cannot be read by others: what CONNECT_IS_SECURE answers.
  virtual bool secure() const = 0;
};

// A connected stream socket; descriptors pass when it is a Unix one.
std::unique_ptr<Transport> MakeSocketTransport(Fd socket);

}  // namespace bv::rpc
