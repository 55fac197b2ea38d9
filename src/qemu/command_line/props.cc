#include "qemu/command_line/props.h"

#include <fmt/format.h>

namespace bv::qemu {

Props Props::Device(std::string_view driver) {
  Props props;
  props.Add("driver", driver);
  return props;
}

Props Props::Object(std::string_view qom_type, std::string_view id) {
  Props props;
  props.Add("qom-type", qom_type);
  props.Add("id", id);
  return props;
}

Props& Props::Put(const char* key, Json value) {
  json_.Set(key, std::move(value));
  return *this;
}

Props& Props::AddHex(const char* key, std::uint64_t value) { return Add(key, fmt::format("{:#x}", value)); }

Props& Props::AddNull(const char* key) { return Put(key, Json()); }

Props& Props::Append(const Props& more) {
  for (auto& [key, value] : more.json_.members()) Put(key.c_str(), value);
  return *this;
}

namespace {

void FlattenInto(OptionString* options, const std::string& key, const Json& value) {
  if (value.is_object()) {
    for (auto& [name, member] : value.members()) FlattenInto(options, key + "." + name, member);
  } else if (value.is_array()) {
    auto elements = value.elements();
    for (std::size_t i = 0; i < elements.size(); ++i) FlattenInto(options, fmt::format("{}.{}", key, i), elements[i]);
  } else if (auto boolean = value.AsBool()) {
    options->Add(key, *boolean);
  } else if (auto string = value.AsString()) {
    options->Add(key, *string);
  } else if (!value.is_null()) {
    options->Add(key, value.Dump());
  }
}

}  // namespace

std::string Props::ToOptionString() const {
  auto members = json_.members();
  if (members.empty()) return {};
  OptionString options(members.front().second.AsString().value_or(""));
  for (std::size_t i = 1; i < members.size(); ++i) FlattenInto(&options, members[i].first, members[i].second);
  return options.str();
}

std::string EscapeCommas(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    if (c == ',') escaped += ',';
    escaped += c;
  }
  return escaped;
}

void OptionString::Separate() {
  if (!text_.empty()) text_ += ',';
}

OptionString& OptionString::Add(std::string_view key, std::string_view value) {
  Separate();
  text_.append(key).append("=").append(EscapeCommas(value));
  return *this;
}

OptionString& OptionString::AddWord(std::string_view word) {
  Separate();
  text_.append(word);
  return *this;
}

}  // namespace bv::qemu
