#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace bv::rpc {

// Bytes that grow at the end: a vector that neither clears what it makes room for nor keeps room
// once it is emptied by Reset().
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::span<const uint8_t> bytes() const { return {data_, size_}; }

  // Room for `count` more bytes at the end, uninitialised; they belong to the content.
  uint8_t* Extend(size_t count) {
    Reserve(size_ + count);
    uint8_t* start = data_ + size_;
    size_ += count;
    return start;
  }
  void Append(std::span<const uint8_t> bytes) {
    if (!bytes.empty()) std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
  }
  // At most what is there.
  void Truncate(size_t size) { size_ = size; }
  void Reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    size_t bigger = capacity_ * 2 > capacity ? capacity_ * 2 : capacity;
    void* moved = std::realloc(data_, bigger);
    if (!moved) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(moved);
    capacity_ = bigger;
  }
  void Reset() {
    std::free(std::exchange(data_, nullptr));
    size_ = capacity_ = 0;
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

inline void PutWord(uint8_t* to, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof value);
}
inline uint32_t GetWord(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return __builtin_bswap32(value);
}

}  // namespace bv::rpc
