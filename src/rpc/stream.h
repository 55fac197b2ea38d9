#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/task.h"

namespace bv::rpc {

// The daemon's end of a stream, opened by a handler with Call::OpenStream() and kept by whoever
// moves its data. It stays valid when the client goes; every wait then ends. All methods belong to
// the loop. Dropping the last reference to a stream that is still open fails it.
class ServerStream {
 public:
  // What came from the client.
  struct Chunk {
    enum class Kind : uint8_t {
      kData,
      kHole,    // `hole` zero bytes
      kFinish,  // no more will come: flush, then Finish() or Fail()
      kAbort,   // the client gave up, or is gone; it has been answered
    };
    Kind kind = Kind::kAbort;
    std::vector<uint8_t> data;
    int64_t hole = 0;
  };

  virtual ~ServerStream() = default;

  // The next of what the client sends, in order. A client that sends more than is taken is not
  // read from any more until it is. After kFinish or kAbort only kAbort comes.
  virtual Task<Chunk> Read() = 0;

  // Queues data and waits until the client has taken most of what was queued before. False when
  // nobody will read it: the client finished or aborted the stream, or is gone.
  virtual Task<bool> Write(std::span<const uint8_t> data) = 0;
  // The same for `length` zero bytes; only when the call allowed holes (sparse()).
  virtual Task<bool> WriteHole(int64_t length) = 0;
  // End of data; the client then finishes.
  virtual void WriteEnd() = 0;

  // Answers the client's finish. Before it came: answers it as soon as it does.
  virtual void Finish() = 0;
  // Tells the client that the stream failed; it is closed then.
  virtual void Fail(const Error& error) = 0;

  virtual bool open() const = 0;
  virtual bool sparse() const = 0;
};

using StreamPtr = std::shared_ptr<ServerStream>;

}  // namespace bv::rpc
