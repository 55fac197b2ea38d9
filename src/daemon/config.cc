#include "daemon/config.h"

#include <fmt/core.h>

#include <charconv>
#include <limits>

#include "base/conf.h"
#include "base/error.h"
#include "daemon/config_rows.h"

namespace bv {

namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

// What is being read, for messages.
struct Place {
  std::string_view file;
  int line;

  [[noreturn]] void Fail(const std::string& what, ErrorCode code = ErrorCode::kInternalError) const {
    throw Error(ErrorDomain::kConf, code, fmt::format("{}:{}: {}", file, line, what));
  }
};

std::int64_t GetInteger(const ConfigRow& row, const ConfValue& value, const Place& place, const char* kind) {
  if (auto* number = std::get_if<std::int64_t>(&value)) return *number;
  place.Fail(fmt::format("expected {} for '{}' parameter", kind, row.key));
}

template <typename T>
T GetUnsigned(const ConfigRow& row, const ConfValue& value, const Place& place) {
  std::int64_t number = GetInteger(row, value, place, "an unsigned integer");
  if (number < 0) place.Fail(fmt::format("expected an unsigned integer for '{}' parameter", row.key));
  if (static_cast<std::uint64_t>(number) > std::numeric_limits<T>::max()) {
    place.Fail(fmt::format("value for '{}' parameter must be in range 0:{}", row.key, std::numeric_limits<T>::max()));
  }
  if (row.rule == ConfigRule::kNotZero && number == 0) {
    place.Fail(fmt::format("'{}' must be greater than 0", row.key));
  }
  if (row.rule == ConfigRule::kSsf && number < 112) {
    place.Fail("minimum SSF levels lower than 112 are not supported", ErrorCode::kConfigUnsupported);
  }
  return static_cast<T>(number);
}

std::string GetText(const ConfigRow& row, const ConfValue& value, const Place& place) {
  auto* text = std::get_if<std::string>(&value);
  if (!text) place.Fail(fmt::format("expected a string for '{}' parameter", row.key));
  if (row.rule == ConfigRule::kAuth && *text != "none" && *text != "sasl" && *text != "polkit") {
    place.Fail(fmt::format("{}: unsupported auth {}", row.key, *text), ErrorCode::kConfigUnsupported);
  }
  if (row.rule == ConfigRule::kAuth && *text == "polkit" && (row.key == "auth_tcp" || row.key == "auth_tls")) {
    place.Fail(fmt::format("{}: polkit is for Unix sockets only", row.key), ErrorCode::kConfigUnsupported);
  }
  if (row.rule == ConfigRule::kCompress && *text != "none" && *text != "zstd") {
    place.Fail(fmt::format("{}: unsupported compression {}", row.key, *text), ErrorCode::kConfigUnsupported);
  }
  return *text;
}

void Store(DaemonConfig& config, const ConfigRow& row, const ConfValue& value, const Place& place) {
  ServerLimits& limits = row.target.admin ? config.admin : config.main;
  std::visit(
      Overloaded{
          [](std::monostate) {},
          [&](bool DaemonConfig::*member) {
            std::int64_t number = GetInteger(row, value, place, "a bool");
            if (number != 0 && number != 1) {
              place.Fail(fmt::format("value for '{}' parameter must be 0 or 1", row.key));
            }
            config.*member = number != 0;
          },
          [&](std::uint32_t DaemonConfig::*member) { config.*member = GetUnsigned<std::uint32_t>(row, value, place); },
          [&](std::uint64_t DaemonConfig::*member) { config.*member = GetUnsigned<std::uint64_t>(row, value, place); },
          [&](std::string DaemonConfig::*member) { config.*member = GetText(row, value, place); },
          [&](std::optional<std::string> DaemonConfig::*member) { config.*member = GetText(row, value, place); },
          [&](std::optional<std::vector<std::string>> DaemonConfig::*member) {
            auto* list = std::get_if<std::vector<std::string>>(&value);
            if (!list) place.Fail(fmt::format("expected a string list for '{}' parameter", row.key));
            config.*member = *list;
          },
          [&](std::uint32_t ServerLimits::*member) { limits.*member = GetUnsigned<std::uint32_t>(row, value, place); },
          [&](int ServerLimits::*member) {
            std::int64_t number = GetInteger(row, value, place, "a signed integer");
            if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
              place.Fail(fmt::format("value for '{}' parameter must be in range {}:{}", row.key,
                                     std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
            }
            limits.*member = static_cast<int>(number);
          },
      },
      row.target.member);
}

const ConfigRow* FindRow(const Personality& personality, std::string_view key) {
  for (const ConfigRow& row : ConfigRows()) {
    if (row.key == key && HasKey(personality, row)) return &row;
  }
  return nullptr;
}

AuthScheme SchemeOf(std::string_view text) {
  return text == "sasl" ? AuthScheme::kSasl : text == "polkit" ? AuthScheme::kPolkit : AuthScheme::kNone;
}

}  // namespace

AuthScheme DaemonConfig::UnixAuth(bool readonly, bool privileged) const {
  const auto& set = readonly ? auth_unix_ro : auth_unix_rw;
  if (set) return SchemeOf(*set);
  return privileged ? AuthScheme::kPolkit : AuthScheme::kNone;
}
AuthScheme DaemonConfig::TcpAuth() const { return SchemeOf(auth_tcp); }
AuthScheme DaemonConfig::TlsAuth() const { return SchemeOf(auth_tls); }

std::string DaemonConfig::UnixPermissions(bool readonly, bool privileged) const {
  if (readonly) return unix_sock_ro_perms;
  if (unix_sock_rw_perms) return *unix_sock_rw_perms;
  return UnixAuth(false, privileged) == AuthScheme::kPolkit ? "0777" : "0700";
}

// Nobody authenticates to virtlogd and virtlockd: all may be anonymous.
static void SetAnonymousLimits(const Personality& personality, DaemonConfig& config) {
  if (personality.ServesRemote()) return;
  for (auto* limits : {&config.main, &config.admin}) limits->max_anonymous_clients = limits->max_clients;
}

DaemonConfig DefaultConfig(const Personality& personality) {
  DaemonConfig config;
  config.admin.prio_workers = 0;
  config.admin.max_anonymous_clients = 0;
  if (!personality.ServesRemote()) {
    // virtlogd and virtlockd have no workers and no keepalive.
    config.main = config.admin = {.min_workers = 0, .max_workers = 0, .prio_workers = 0, .max_clients = 0,
                                  .max_queued_clients = 1000, .max_anonymous_clients = 0,
                                  .max_client_requests = 1, .keepalive_interval = -1, .keepalive_count = 0};
  }
  for (const ConfigRow& row : ConfigRows()) {
    if (!HasKey(personality, row) || row.default_text.empty()) continue;
    ConfValue value;
    std::int64_t number;
    auto end = row.default_text.data() + row.default_text.size();
    bool is_text = std::holds_alternative<std::string DaemonConfig::*>(row.target.member);
    if (!is_text && std::from_chars(row.default_text.data(), end, number).ptr == end) {
      value = number;
    } else {
      value = std::string(row.default_text);
    }
    Store(config, row, value, {"built-in", 0});
  }
  SetAnonymousLimits(personality, config);
  return config;
}

DaemonConfig ParseConfig(const Personality& personality, std::string_view text, std::string_view file_name) {
  DaemonConfig config = DefaultConfig(personality);
  for (const ConfEntry& entry : ParseConf(text, file_name)) {
    Place place{file_name, entry.line};
    const ConfigRow* row = FindRow(personality, entry.key);
    if (!row) place.Fail(fmt::format("unknown key '{}'", entry.key), ErrorCode::kConfSyntax);
    Store(config, *row, entry.value, place);
    if (row->not_when_activated) config.own_socket_keys.emplace_back(row->key);
  }
  SetAnonymousLimits(personality, config);
  return config;
}

}  // namespace bv
