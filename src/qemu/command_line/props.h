#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/value.h"

namespace bv::qemu {

// The properties of one thing that QEMU makes (a device, object, block node, network or audio back
// end), in the order in which libvirt writes them. The same list is the JSON of `-device`,
// `-object`, `-blockdev` and `-netdev` at start and the arguments of `device_add`, `object-add`,
// `blockdev-add` and `netdev_add` at hot-plug.
//
// Add() with an empty optional adds nothing, so that a description reads as a plain list.
class Props {
 public:
  Props() : json_(Json::Object()) {}
  // A device: {"driver": DRIVER}.
  static Props Device(std::string_view driver);
  // A QOM object: {"qom-type": TYPE, "id": ID}.
  static Props Object(std::string_view qom_type, std::string_view id);

  Props& Add(const char* key, std::string_view value) { return Put(key, Json(value)); }
  Props& Add(const char* key, const std::string& value) { return Put(key, Json(value)); }
  Props& Add(const char* key, const char* value) { return Put(key, Json(value)); }
  Props& Add(const char* key, std::same_as<bool> auto value) { return Put(key, Json(value)); }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Props& Add(const char* key, T value) {
    if constexpr (std::is_signed_v<T>) return Put(key, Json(static_cast<std::int64_t>(value)));
    else return Put(key, Json(static_cast<std::uint64_t>(value)));
  }
  Props& Add(const char* key, Json value) { return Put(key, std::move(value)); }
  Props& Add(const char* key, const Props& value) { return Put(key, value.json()); }
  template <typename T>
  Props& Add(const char* key, const std::optional<T>& value) {
    return value ? Add(key, *value) : *this;
  }
  // The switches of the model: nothing when absent.
  Props& Add(const char* key, model::OnOff value) {
    return value == model::OnOff::kAbsent ? *this : Add(key, value == model::OnOff::kOn);
  }
  Props& Add(const char* key, model::YesNo value) {
    return value == model::YesNo::kAbsent ? *this : Add(key, value == model::YesNo::kYes);
  }
  // As Add, but nothing for 0, false and "".
  template <typename T>
  Props& AddSet(const char* key, const T& value) {
    return value == T{} ? *this : Add(key, value);
  }
  // Properties whose JSON is the string "on" or "off" rather than a boolean.
  Props& AddOnOff(const char* key, bool on) { return Add(key, on ? "on" : "off"); }
  Props& AddOnOff(const char* key, model::OnOff value) {
    return value == model::OnOff::kAbsent ? *this : AddOnOff(key, value == model::OnOff::kOn);
  }
  // "0x2a".
  Props& AddHex(const char* key, std::uint64_t value);
  // {"key": null}
  Props& AddNull(const char* key);
  void Remove(const char* key) { json_.Remove(key); }
  // All of `more`, after what is there.
  Props& Append(const Props& more);

  bool empty() const { return json_.size() == 0; }
  const Json& json() const { return json_; }
  std::string Dump() const { return json_.Dump(); }
  // The key=value,... form of QEMU's older option syntax; the first member is written bare.
  std::string ToOptionString() const;

 private:
  Props& Put(const char* key, Json value);
  Json json_;
};

// A value within QEMU's comma-separated option syntax: each comma doubled.
std::string EscapeCommas(std::string_view text);

// One argument in QEMU's option syntax: "head,key=value,...". Values are escaped.
class OptionString {
 public:
  explicit OptionString(std::string_view head) : text_(EscapeCommas(head)) {}
  OptionString() = default;

  OptionString& Add(std::string_view key, std::string_view value);
  OptionString& Add(std::string_view key, const char* value) { return Add(key, std::string_view(value)); }
  OptionString& Add(std::string_view key, const std::string& value) { return Add(key, std::string_view(value)); }
  OptionString& Add(std::string_view key, std::same_as<bool> auto on) { return Add(key, on ? "on" : "off"); }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  OptionString& Add(std::string_view key, T value) {
    return Add(key, std::to_string(value));
  }
  OptionString& Add(std::string_view key, model::OnOff value) {
    return value == model::OnOff::kAbsent ? *this : Add(key, value == model::OnOff::kOn);
  }
  OptionString& Add(std::string_view key, model::YesNo value) {
    return value == model::YesNo::kAbsent ? *this : Add(key, value == model::YesNo::kYes);
  }
  template <typename T>
  OptionString& Add(std::string_view key, const std::optional<T>& value) {
    return value ? Add(key, *value) : *this;
  }
  template <typename T>
  OptionString& AddSet(std::string_view key, const T& value) {
    return value == T{} ? *this : Add(key, value);
  }
  // A word without a value; not escaped.
  OptionString& AddWord(std::string_view word);

  const std::string& str() const { return text_; }

 private:
  void Separate();
  std::string text_;
};

}  // namespace bv::qemu
