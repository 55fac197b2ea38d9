#include "model/storage_common.h"

#include <charconv>

namespace bv::model {

namespace {

using P = StoragePermissions;

std::optional<std::string_view> TextOf(const xml::Node& element, std::string_view name) {
  auto text = element.ChildText(name);
  return text && text->empty() ? std::nullopt : text;
}

// A number of a user or group; -1 (and what it is in 32 bits) is none.
std::optional<std::uint32_t> ReadId(Parser& p, const xml::Node& element, const char* name) {
  constexpr std::int64_t kNone = UINT32_MAX;
  auto text = element.ChildText(name);
  if (!text) return std::nullopt;
  text->remove_prefix(std::min(text->find_first_not_of(" \t\r\n"), text->size()));
  if (text->starts_with('+')) text->remove_prefix(1);
  auto number = ParseNumber<std::int64_t>(*text);
  if (!number || *number < -1 || *number > kNone) p.Fail(Fault::kDomainXml, std::string("malformed ") + name + " element");
  if (*number == -1 || *number == kNone) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void ReadPermissions(Parser& p, P& permissions, const xml::Node& element) {
  if (auto mode = TextOf(element, "mode")) {
    auto number = ParseNumber<std::uint32_t>(*mode, 8);
    if (!number || *number > 0777) p.Fail(Fault::kDomainXml, "malformed octal mode");
    permissions.mode = *number;
  }
  permissions.owner = ReadId(p, element, "owner");
  permissions.group = ReadId(p, element, "group");
  permissions.label = element.ChildText("label").value_or("");
}

std::string Octal(std::uint32_t number) {
  char digits[16];
  auto end = std::to_chars(digits, digits + sizeof digits, number, 8).ptr;
  return '0' + std::string(digits, end);
}

void WritePermissions(Formatter& f, const P& permissions) {
  if (permissions.mode) f.out().TextElement("mode", Octal(*permissions.mode));
  if (permissions.owner) f.out().TextElement("owner", std::to_string(*permissions.owner));
  if (permissions.group) f.out().TextElement("group", std::to_string(*permissions.group));
  if (!permissions.label.empty()) f.out().TextElement("label", permissions.label);
}

constexpr RowOf<P> kPermissionRows[] = {Custom<&ReadPermissions, &WritePermissions>("mode owner group label")};

}  // namespace

constinit const Description<StoragePermissions> kStoragePermissions{kPermissionRows};

std::string SanitizePath(std::string_view path) {
  std::string out;
  std::size_t slashes = std::min(path.find_first_not_of('/'), path.size());
  if (slashes > 0) out = slashes == 2 ? "//" : "/";
  path.remove_prefix(slashes);
  for (char c : path) {
    if (c != '/' || out.back() != '/') out += c;
  }
  if (!path.empty() && out.back() == '/') out.pop_back();
  return out;
}

}  // namespace bv::model
