#include "daemon/sasl_transport.h"

#ifdef BV_WITH_SASL

#include <algorithm>
#include <cstring>
#include <string>

#include "base/log.h"

namespace bv {

namespace {

class SaslTransport : public rpc::Transport {
 public:
  SaslTransport(const SaslLibrary& lib, SaslConnection connection, std::unique_ptr<rpc::Transport> inner);

  int fd() const override { return inner_->fd(); }
  std::uint32_t WantedEvents(bool want_read, bool want_write) const override {
    return inner_->WantedEvents(want_read, want_write);
  }
  Result Read(std::span<std::uint8_t> into, std::size_t& got, std::vector<Fd>& fds) override;
  bool HasBuffered() const override { return read_at_ < read_.size() || inner_->HasBuffered(); }
  Result Write(std::span<const iovec> parts, std::size_t& put) override;
  bool secure() const override { return true; }

 private:
  Result Fail(const char* what) const {
    LogError("rpc.netsaslcontext", "cannot {} SASL data: {}", what, lib_.sasl_errdetail(connection_.get()));
    return Result::kError;
  }
  // Sends what is encoded; kDone when all of it has gone.
  Result Flush();

  const SaslLibrary& lib_;
  SaslConnection connection_;
  std::unique_ptr<rpc::Transport> inner_;
  std::size_t max_plain_ = 8192;
  std::string read_;  // decoded, from read_at_ on not taken yet
  std::size_t read_at_ = 0;
  std::string encoded_;  // of the plain bytes that our caller still holds
  std::size_t encoded_at_ = 0, encoded_plain_ = 0;
};

SaslTransport::SaslTransport(const SaslLibrary& lib, SaslConnection connection, std::unique_ptr<rpc::Transport> inner)
    : lib_(lib), connection_(std::move(connection)), inner_(std::move(inner)) {
  const void* value;
  if (lib_.sasl_getprop(connection_.get(), SASL_MAXOUTBUF, &value) == SASL_OK) {
    unsigned max = *static_cast<const unsigned*>(value);
    if (max > 0) max_plain_ = max;
  }
}

rpc::Transport::Result SaslTransport::Read(std::span<std::uint8_t> into, std::size_t& got, std::vector<Fd>& fds) {
  while (read_at_ == read_.size()) {
    std::size_t count = 0;
    Result result = inner_->Read(into, count, fds);
    if (result != Result::kDone) return result;
    const char* plain;
    unsigned size;
    auto input = reinterpret_cast<const char*>(into.data());
    // Part of a packet is kept inside and gives nothing yet.
    if (lib_.sasl_decode(connection_.get(), input, static_cast<unsigned>(count), &plain, &size) != SASL_OK) {
      return Fail("decode");
    }
    read_.assign(plain, size);
    read_at_ = 0;
  }
  got = std::min(into.size(), read_.size() - read_at_);
  std::memcpy(into.data(), read_.data() + read_at_, got);
  read_at_ += got;
  return Result::kDone;
}

rpc::Transport::Result SaslTransport::Flush() {
  while (encoded_at_ < encoded_.size()) {
    iovec part{encoded_.data() + encoded_at_, encoded_.size() - encoded_at_};
    std::size_t sent = 0;
    Result result = inner_->Write(std::span(&part, 1), sent);
    if (result != Result::kDone) return result;
    encoded_at_ += sent;
  }
  return Result::kDone;
}

// Bytes count as written when the packet that holds them has gone; until then the caller comes back
// with the same ones.
rpc::Transport::Result SaslTransport::Write(std::span<const iovec> parts, std::size_t& put) {
  for (const iovec& part : parts) {
    for (std::size_t at = 0; at < part.iov_len;) {
      if (encoded_plain_ == 0) {
        encoded_plain_ = std::min(part.iov_len - at, max_plain_);
        const char* data;
        unsigned size;
        if (lib_.sasl_encode(connection_.get(), static_cast<const char*>(part.iov_base) + at,
                             static_cast<unsigned>(encoded_plain_), &data, &size) != SASL_OK) {
          return Fail("encode");
        }
        encoded_.assign(data, size);
        encoded_at_ = 0;
      }
      Result result = Flush();
      if (result != Result::kDone) return put > 0 && result == Result::kAgain ? Result::kDone : result;
      at += encoded_plain_;
      put += encoded_plain_;
      encoded_plain_ = 0;
    }
  }
  return Result::kDone;
}

}  // namespace

std::unique_ptr<rpc::Transport> MakeSaslTransport(const SaslLibrary& lib, SaslConnection connection,
                                                  std::unique_ptr<rpc::Transport> inner) {
  return std::make_unique<SaslTransport>(lib, std::move(connection), std::move(inner));
}

}  // namespace bv

#endif
