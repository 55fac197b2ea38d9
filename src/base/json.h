#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct json_object;

namespace bv {

// A JSON value over json-c. Copies share the value (json-c counts references): use Clone() before
// changing one that somebody else holds. A missing member and JSON null are both is_null().
class Json {
 public:
  Json() = default;
  Json(bool value);
  Json(int value) : Json(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : Json(static_cast<std::uint64_t>(value)) {}
  Json(std::int64_t value);
  Json(std::uint64_t value);
  Json(long long value) : Json(static_cast<std::int64_t>(value)) {}
  Json(unsigned long long value) : Json(static_cast<std::uint64_t>(value)) {}
  Json(double value);
  Json(const char* value) : Json(std::string_view(value)) {}
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(std::string_view value);

  using Member = std::pair<std::string, Json>;
  static Json Object(std::initializer_list<Member> members = {});
  static Json Array(std::initializer_list<Json> elements = {});

  // Throws kInternalError (domain kNone) on malformed text, with the offset.
  static Json Parse(std::string_view text);

  Json(const Json& other);
  Json(Json&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Json& operator=(Json other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Json();

  bool is_null() const { return object_ == nullptr; }
  explicit operator bool() const { return object_ != nullptr; }
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_bool() const;
  bool is_int() const;
  bool is_double() const;

  // Members and elements; null when there is none.
  Json Find(const char* key) const;
  Json operator[](const char* key) const { return Find(key); }
  Json at(std::size_t index) const;
  // Number of members or elements, 0 for scalars.
  std::size_t size() const;
  // In the order of the text.
  std::vector<Member> members() const;
  std::vector<Json> elements() const;

  // nullopt when the value is of another type; integers convert to double.
  std::optional<bool> AsBool() const;
  std::optional<std::int64_t> AsInt() const;
  std::optional<std::uint64_t> AsUint() const;
  std::optional<double> AsDouble() const;
  std::optional<std::string> AsString() const;

  // A member that must be there; throws kInternalError naming it otherwise.
  bool GetBool(const char* key) const;
  std::int64_t GetInt(const char* key) const;
  std::uint64_t GetUint(const char* key) const;
  double GetDouble(const char* key) const;
  std::string GetString(const char* key) const;
  Json GetObject(const char* key) const;
  Json GetArray(const char* key) const;

  // Change this object or array (a null value becomes one). Set appends new keys at the end.
  Json& Set(const char* key, Json value);
  Json& Append(Json value);
  void Remove(const char* key);
  Json Clone() const;

  // Without white space, or indented by two spaces.
  std::string Dump(bool pretty = false) const;

 private:
  explicit Json(json_object* owned) : object_(owned) {}
  json_object* object_ = nullptr;
};

}  // namespace bv
