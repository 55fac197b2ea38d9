#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bv::cpu {

// A set of x86 features, by their place in the map (x86_map.h). Each feature is one CPUID or MSR bit of
// its own, so this is all that comparing and decoding CPUs needs to know of the registers.
class FeatureSet {
 public:
  static constexpr std::size_t kCapacity = 256;

  constexpr bool Has(std::size_t i) const { return words_[i / 64] >> (i % 64) & 1; }
  constexpr void Add(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  constexpr void Remove(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  constexpr void Add(const FeatureSet& other) { *this = Combine(other, [](auto a, auto b) { return a | b; }); }
  constexpr void Remove(const FeatureSet& other) { *this = *this - other; }

  constexpr bool empty() const { return *this == FeatureSet(); }
  constexpr std::size_t size() const {
    std::size_t count = 0;
    for (std::uint64_t word : words_) count += std::popcount(word);
    return count;
  }
  constexpr bool Contains(const FeatureSet& part) const { return (part - *this).empty(); }

  // Calls use(index) for each member in the map's order.
  template <typename Use>
  constexpr void ForEach(Use use) const {
    for (std::size_t w = 0; w < words_.size(); w++)
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1) use(w * 64 + std::countr_zero(left));
  }

  constexpr FeatureSet operator&(const FeatureSet& other) const {
    return Combine(other, [](auto a, auto b) { return a & b; });
  }
  constexpr FeatureSet operator-(const FeatureSet& other) const {
    return Combine(other, [](auto a, auto b) { return a & ~b; });
  }
  constexpr bool operator==(const FeatureSet&) const = default;

 private:
  template <typename Op>
  constexpr FeatureSet Combine(const FeatureSet& other, Op op) const {
    FeatureSet result;
    for (std::size_t w = 0; w < words_.size(); w++) result.words_[w] = op(words_[w], other.words_[w]);
    return result;
  }

  std::array<std::uint64_t, kCapacity / 64> words_{};
};

}  // namespace bv::cpu
