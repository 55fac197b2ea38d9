#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

// Small value types that the XML languages share.
namespace bv::model {

// How an enum's values are spelled in XML. An enum of the model has the underlying type uint8_t, counts
// from 0, and has one specialisation beside it:
//   template <> struct Spelling<CpuMode> { static constexpr const char* kNames[] = {"", "custom", ...}; };
// "" as the first name means that value 0 stands for "not given" and cannot be written.
template <typename E>
struct Spelling;

std::optional<std::uint8_t> FindSpelling(const char* const* names, std::size_t count, std::string_view text);

template <typename E>
constexpr std::string_view ToString(E value) {
  return Spelling<E>::kNames[static_cast<std::uint8_t>(value)];
}
template <typename E>
std::optional<E> FromString(std::string_view text) {
  if (auto found = FindSpelling(Spelling<E>::kNames, std::size(Spelling<E>::kNames), text)) return static_cast<E>(*found);
  return std::nullopt;
}

// Three-state switches: absence is kept because the output depends on it.
enum class OnOff : std::uint8_t { kAbsent, kOn, kOff };
template <>
struct Spelling<OnOff> {
  static constexpr const char* kNames[] = {"", "on", "off"};
};
enum class YesNo : std::uint8_t { kAbsent, kYes, kNo };
template <>
struct Spelling<YesNo> {
  static constexpr const char* kNames[] = {"", "yes", "no"};
};
constexpr YesNo ToYesNo(bool value) { return value ? YesNo::kYes : YesNo::kNo; }
constexpr OnOff ToOnOff(bool value) { return value ? OnOff::kOn : OnOff::kOff; }

// Sizes are kept in the unit that libvirt formats them in; the member's name says which when it is
// not KiB.
using KiB = std::uint64_t;

// A part that few objects have, kept out of line: made when it is first written to, a default value
// until then. Moves with its owner.
template <typename T>
class Boxed {
 public:
  T& operator*() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  T* operator->() { return &**this; }
  const T& operator*() const {
    static const T kDefault{};
    return value_ ? *value_ : kDefault;
  }
  const T* operator->() const { return &**this; }

 private:
  std::unique_ptr<T> value_;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  // "52:54:00:ab:cd:ef" (one or two hex digits a byte).
  static std::optional<MacAddress> Parse(std::string_view text);
  // One of QEMU's range, 52:54:00, by chance.
  static MacAddress Generate();
  std::string_view FormatTo(char (&buffer)[18]) const;
  bool operator==(const MacAddress&) const = default;
};

}  // namespace bv::model
