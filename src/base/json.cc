#include "base/json.h"

#include <json-c/json.h>

#include <memory>

#include "base/error.h"

namespace bv {

namespace {

// query-qmp-schema nests a few levels; guests' agents must not make us recurse without end.
constexpr int kMaxDepth = 64;

[[noreturn]] void ThrowMissing(const char* key, const char* type) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
              std::string("JSON member '") + key + "' of type " + type + " is missing");
}

template <typename T>
T Required(std::optional<T> value, const char* key, const char* type) {
  if (!value) ThrowMissing(key, type);
  return std::move(*value);
}

}  // namespace

Json::Json(bool value) : object_(json_object_new_boolean(value)) {}
Json::Json(std::int64_t value) : object_(json_object_new_int64(value)) {}
Json::Json(std::uint64_t value) : object_(json_object_new_uint64(value)) {}
Json::Json(double value) : object_(json_object_new_double(value)) {}
Json::Json(std::string_view value)
    : object_(json_object_new_string_len(value.data(), static_cast<int>(value.size()))) {}
Json::Json(const Json& other) : object_(json_object_get(other.object_)) {}
Json::~Json() { json_object_put(object_); }

Json Json::Object(std::initializer_list<Member> members) {
  Json object(json_object_new_object());
  for (auto& [key, value] : members) object.Set(key.c_str(), value);
  return object;
}

Json Json::Array(std::initializer_list<Json> elements) {
  Json array(json_object_new_array());
  for (auto& element : elements) array.Append(element);
  return array;
}

Json Json::Parse(std::string_view text) {
  std::unique_ptr<json_tokener, decltype(&json_tokener_free)> tokener(json_tokener_new_ex(kMaxDepth),
                                                                      json_tokener_free);
  json_tokener_set_flags(tokener.get(), JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
  Json value(json_tokener_parse_ex(tokener.get(), text.data(), static_cast<int>(text.size())));
  auto error = json_tokener_get_error(tokener.get());
  auto end = json_tokener_get_parse_end(tokener.get());
  if (error == json_tokener_continue) {
    // A bare number or literal only ends with something behind it.
    value = Json(json_tokener_parse_ex(tokener.get(), " ", 1));
    error = json_tokener_get_error(tokener.get());
    end = text.size();
  }
  if (error != json_tokener_success) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                "cannot parse JSON: " + std::string(json_tokener_error_desc(error)) + " at offset " +
                    std::to_string(end));
  }
  if (text.substr(std::min(end, text.size())).find_first_not_of(" \t\r\n") != text.npos) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                "cannot parse JSON: text behind the value at offset " + std::to_string(end));
  }
  return value;
}

bool Json::is_object() const { return json_object_is_type(object_, json_type_object) && object_; }
bool Json::is_array() const { return json_object_is_type(object_, json_type_array) && object_; }
bool Json::is_string() const { return json_object_is_type(object_, json_type_string) && object_; }
bool Json::is_bool() const { return json_object_is_type(object_, json_type_boolean) && object_; }
bool Json::is_int() const { return json_object_is_type(object_, json_type_int) && object_; }
bool Json::is_double() const { return json_object_is_type(object_, json_type_double) && object_; }

Json Json::Find(const char* key) const {
  json_object* found = nullptr;
  if (is_object()) json_object_object_get_ex(object_, key, &found);
  return Json(json_object_get(found));
}

Json Json::at(std::size_t index) const {
  return is_array() ? Json(json_object_get(json_object_array_get_idx(object_, index))) : Json();
}

std::size_t Json::size() const {
  if (is_array()) return json_object_array_length(object_);
  if (is_object()) return static_cast<std::size_t>(json_object_object_length(object_));
  return 0;
}

std::vector<Json::Member> Json::members() const {
  std::vector<Member> result;
  if (!is_object()) return result;
  result.reserve(size());
  json_object_object_foreach(object_, key, value) {
    result.emplace_back(key, Json(json_object_get(value)));
  }
  return result;
}

std::vector<Json> Json::elements() const {
  std::vector<Json> result;
  result.reserve(is_array() ? size() : 0);
  for (std::size_t i = 0; is_array() && i < size(); ++i) result.push_back(at(i));
  return result;
}

std::optional<bool> Json::AsBool() const {
  if (!is_bool()) return std::nullopt;
  return json_object_get_boolean(object_) != 0;
}

std::optional<std::int64_t> Json::AsInt() const {
  if (!is_int()) return std::nullopt;
  return json_object_get_int64(object_);
}

std::optional<std::uint64_t> Json::AsUint() const {
  if (!is_int() || json_object_get_int64(object_) < 0) return std::nullopt;
  return json_object_get_uint64(object_);
}

std::optional<double> Json::AsDouble() const {
  if (!is_double() && !is_int()) return std::nullopt;
  return json_object_get_double(object_);
}

std::optional<std::string> Json::AsString() const {
  if (!is_string()) return std::nullopt;
  return std::string(json_object_get_string(object_),
                     static_cast<std::size_t>(json_object_get_string_len(object_)));
}

bool Json::GetBool(const char* key) const { return Required(Find(key).AsBool(), key, "bool"); }
std::int64_t Json::GetInt(const char* key) const { return Required(Find(key).AsInt(), key, "int"); }
std::uint64_t Json::GetUint(const char* key) const {
  return Required(Find(key).AsUint(), key, "unsigned int");
}
double Json::GetDouble(const char* key) const {
  return Required(Find(key).AsDouble(), key, "number");
}
std::string Json::GetString(const char* key) const {
  return Required(Find(key).AsString(), key, "string");
}

Json Json::GetObject(const char* key) const {
  Json value = Find(key);
  if (!value.is_object()) ThrowMissing(key, "object");
  return value;
}

Json Json::GetArray(const char* key) const {
  Json value = Find(key);
  if (!value.is_array()) ThrowMissing(key, "array");
  return value;
}

Json& Json::Set(const char* key, Json value) {
  if (!object_) object_ = json_object_new_object();
  json_object_object_add(object_, key, std::exchange(value.object_, nullptr));
  return *this;
}

Json& Json::Append(Json value) {
  if (!object_) object_ = json_object_new_array();
  json_object_array_add(object_, std::exchange(value.object_, nullptr));
  return *this;
}

void Json::Remove(const char* key) {
  if (is_object()) json_object_object_del(object_, key);
}

Json Json::Clone() const {
  json_object* copy = nullptr;
  if (object_) json_object_deep_copy(object_, &copy, nullptr);
  return Json(copy);
}

std::string Json::Dump(bool pretty) const {
  if (!object_) return "null";
  int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
              (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN);
  std::size_t length = 0;
  const char* text = json_object_to_json_string_length(object_, flags, &length);
  return std::string(text, length);
}

}  // namespace bv
