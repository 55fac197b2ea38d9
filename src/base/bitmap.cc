#include "base/bitmap.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace bv {

namespace {

constexpr bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// Reads the pieces of a list; every Take... leaves the cursor behind what it took.
struct Cursor {
  std::string_view rest;

  void SkipSpace() {
    while (!rest.empty() && IsSpace(rest.front())) rest.remove_prefix(1);
  }
  bool Take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::optional<std::size_t> TakeNumber() {
    std::size_t value;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  }
};

}  // namespace

std::optional<Bitmap> Bitmap::Parse(std::string_view list, std::size_t max) {
  Bitmap set;
  Cursor cursor{list};
  do {
    cursor.SkipSpace();
    bool negated = cursor.Take('^');
    auto first = cursor.TakeNumber();
    if (!first) return std::nullopt;
    auto last = first;
    cursor.SkipSpace();
    if (!negated && cursor.Take('-')) {
      cursor.SkipSpace();
      last = cursor.TakeNumber();
      if (!last || *last < *first) return std::nullopt;
      cursor.SkipSpace();
    }
    if (*last >= max) return std::nullopt;
    if (!negated) {
      set.SetRange(*first, *last);
    } else if (set.Test(*first)) {
      set.Clear(*first);
    } else {
      return std::nullopt;
    }
  } while (cursor.Take(','));
  if (!cursor.rest.empty()) return std::nullopt;
  return set;
}

std::string Bitmap::Format() const {
  std::string text;
  for (auto first = Next(); first;) {
    auto last = *first;
    while (Test(last + 1)) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(*first);
    if (last > *first) text += '-' + std::to_string(last);
    first = Next(last + 1);
  }
  return text;
}

void Bitmap::Set(std::size_t bit) {
  if (bit >= size_) {
    size_ = bit + 1;
    words_.resize((size_ + 63) / 64);
  }
  words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

void Bitmap::SetRange(std::size_t first, std::size_t last) {
  for (auto bit = first; bit <= last; ++bit) Set(bit);
}

void Bitmap::Clear(std::size_t bit) {
  if (bit < size_) words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
}

std::size_t Bitmap::count() const {
  std::size_t total = 0;
  for (auto word : words_) total += static_cast<std::size_t>(std::popcount(word));
  return total;
}

std::optional<std::size_t> Bitmap::Next(std::size_t from) const {
  for (auto i = from / 64; i < words_.size(); ++i) {
    auto word = words_[i];
    if (i == from / 64) word &= ~std::uint64_t{0} << (from % 64);
    if (word) return i * 64 + static_cast<std::size_t>(std::countr_zero(word));
  }
  return std::nullopt;
}

std::optional<std::size_t> Bitmap::Last() const {
  for (auto i = words_.size(); i-- > 0;) {
    if (words_[i]) return i * 64 + 63 - static_cast<std::size_t>(std::countl_zero(words_[i]));
  }
  return std::nullopt;
}

bool Bitmap::Overlaps(const Bitmap& other) const {
  for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); ++i) {
    if (words_[i] & other.words_[i]) return true;
  }
  return false;
}

Bitmap& Bitmap::operator|=(const Bitmap& other) {
  size_ = std::max(size_, other.size_);
  words_.resize(std::max(words_.size(), other.words_.size()));
  for (std::size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

Bitmap& Bitmap::operator&=(const Bitmap& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    words_[i] &= i < other.words_.size() ? other.words_[i] : 0;
  }
  return *this;
}

bool Bitmap::operator==(const Bitmap& other) const {
  for (std::size_t i = 0; i < std::max(words_.size(), other.words_.size()); ++i) {
    auto mine = i < words_.size() ? words_[i] : 0;
    auto theirs = i < other.words_.size() ? other.words_[i] : 0;
    if (mine != theirs) return false;
  }
  return true;
}

std::vector<std::uint8_t> Bitmap::ToBytes() const {
  std::vector<std::uint8_t> bytes((size_ + 7) / 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(words_[i / 8] >> (i % 8 * 8));
  }
  return bytes;
}

Bitmap Bitmap::FromBytes(const std::uint8_t* data, std::size_t size) {
  Bitmap set(size * 8);
  for (std::size_t i = 0; i < size; ++i) {
    set.words_[i / 8] |= static_cast<std::uint64_t>(data[i]) << (i % 8 * 8);
  }
  return set;
}

}  // namespace bv
