#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv {

// A set of small numbers (CPUs, NUMA nodes, vCPUs) in libvirt's list notation: "0-3,^2,7".
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::size_t size) : words_((size + 63) / 64), size_(size) {}

  // Numbers from `max` on, malformed lists and (as libvirt has it) empty ones are nullopt. The
  // size becomes the highest number + 1.
  static std::optional<Bitmap> Parse(std::string_view list, std::size_t max = 1u << 17);
  // Ranges joined by commas; empty for the empty set.
  std::string Format() const;

  // Grows as needed.
  void Set(std::size_t bit);
  void SetRange(std::size_t first, std::size_t last);
  void Clear(std::size_t bit);
  bool Test(std::size_t bit) const {
    return bit < size_ && (words_[bit / 64] >> (bit % 64) & 1) != 0;
  }

  std::size_t size() const { return size_; }
  std::size_t count() const;
  bool empty() const { return count() == 0; }
  // The first set bit at or after `from`.
  std::optional<std::size_t> Next(std::size_t from = 0) const;
  std::optional<std::size_t> Last() const;

  bool Overlaps(const Bitmap& other) const;
  Bitmap& operator|=(const Bitmap& other);
  Bitmap& operator&=(const Bitmap& other);
  // Compares the sets; sizes do not matter.
  bool operator==(const Bitmap& other) const;

  // Little-endian bytes, bit 0 first: the cpumap of the wire protocol.
  std::vector<std::uint8_t> ToBytes() const;
  static Bitmap FromBytes(const std::uint8_t* data, std::size_t size);

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

}  // namespace bv
