#include "qemu/migration/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/error.h"
#include "daemon/uri.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

using Options = MigrationOptions;

constexpr const char* kTypes[] = {"int", "uint", "llong", "ullong", "double", "boolean", "string"};

// One parameter: how it is called, its type as an index of kTypes, and where it goes.
struct Row {
  const char* name;
  std::size_t type;
  bool many;
  void (*read)(Options&, const TypedParamValue&);
  void (*write)(const Options&, const char* name, std::vector<TypedParam>&);
};

template <typename T, std::size_t kAt = 0>
constexpr std::size_t IndexOf() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<kAt, TypedParamValue>>) {
    return kAt;
  } else {
    return IndexOf<T, kAt + 1>();
  }
}

template <auto kMember>
constexpr Row Single(const char* name) {
  using Field = std::remove_cvref_t<decltype(std::declval<Options>().*kMember)>;
  constexpr bool kOptional = requires(Field field) { field.has_value(); };
  using Value = typename std::conditional_t<kOptional, Field, std::optional<Field>>::value_type;
  return {name, IndexOf<Value>(), false, [](Options& options, const TypedParamValue& value) { options.*kMember = std::get<Value>(value); },
          [](const Options& options, const char* param, std::vector<TypedParam>& out) {
            if constexpr (kOptional) {
              if (options.*kMember) out.push_back({param, *(options.*kMember)});
            } else if (options.*kMember != Field()) {
              out.push_back({param, options.*kMember});
            }
          }};
}

template <auto kMember>
constexpr Row Many(const char* name) {
  return {name, IndexOf<std::string>(), true,
          [](Options& options, const TypedParamValue& value) { (options.*kMember).push_back(std::get<std::string>(value)); },
          [](const Options& options, const char* param, std::vector<TypedParam>& out) {
            for (auto& value : options.*kMember) out.push_back({param, value});
          }};
}

constexpr Row kRows[] = {
    Single<&Options::uri>("migrate_uri"),
    Single<&Options::name>("destination_name"),
    Single<&Options::xml>("destination_xml"),
    Single<&Options::persistent_xml>("persistent_xml"),
    Single<&Options::bandwidth>("bandwidth"),
    Single<&Options::graphics_uri>("graphics_uri"),
    Single<&Options::listen_address>("listen_address"),
    Many<&Options::disks>("migrate_disks"),
    Single<&Options::disks_port>("disks_port"),
    Single<&Options::disks_uri>("disks_uri"),
    Many<&Options::compression>("compression"),
    Single<&Options::mt_level>("compression.mt.level"),
    Single<&Options::mt_threads>("compression.mt.threads"),
    Single<&Options::mt_dthreads>("compression.mt.dthreads"),
    Single<&Options::xbzrle_cache>("compression.xbzrle.cache"),
    Single<&Options::throttle_initial>("auto_converge.initial"),
    Single<&Options::throttle_increment>("auto_converge.increment"),
    Single<&Options::postcopy_bandwidth>("bandwidth.postcopy"),
    Single<&Options::connections>("parallel.connections"),
    Single<&Options::tls_destination>("tls.destination"),
};

[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, what); }

void CheckTogether(unsigned flags) {
  if ((flags & migrate::kNonSharedDisk) && (flags & migrate::kNonSharedInc))
    Invalid("flags 'VIR_MIGRATE_NON_SHARED_DISK' and 'VIR_MIGRATE_NON_SHARED_INC' are mutually exclusive");
  if ((flags & migrate::kSynchronousWrites) && !(flags & (migrate::kNonSharedDisk | migrate::kNonSharedInc)))
    Invalid("VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES requires that disks are copied");
}

}  // namespace

MigrationOptions ReadMigrationOptions(const std::vector<TypedParam>& params, unsigned flags, const char* function) {
  CheckFlags(flags, migrate::kAll, function);
  CheckTogether(flags);
  MigrationOptions options;
  std::vector<std::string_view> seen;
  for (auto& param : params) {
    auto row = std::ranges::find_if(kRows, [&](const Row& known) { return param.field == known.name; });
    if (row == std::end(kRows))
      throw Error(ErrorDomain::kNone, ErrorCode::kArgumentUnsupported, fmt::format("parameter '{}' not supported", param.field));
    if (row->type != param.value.index()) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                  fmt::format("invalid type '{}' for parameter '{}', expected '{}'", kTypes[param.value.index()], param.field, kTypes[row->type]));
    }
    if (!row->many && std::ranges::count(seen, param.field))
      throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format("parameter '{}' occurs multiple times", param.field));
    seen.push_back(param.field);
    row->read(options, param.value);
  }
  options.flags = flags;
  return options;
}

std::vector<TypedParam> FormatMigrationOptions(const MigrationOptions& options) {
  std::vector<TypedParam> params;
  for (const Row& row : kRows) row.write(options, row.name, params);
  return params;
}

MigrationAddress ParseMigrationAddress(const std::string& uri) {
  MigrationAddress address;
  auto colon = uri.find(':');
  auto scheme = uri.substr(0, colon);
  if (colon == std::string::npos) Invalid(fmt::format("missing scheme in migration URI: {}", uri));
  if (scheme == "unix") {
    address.unix_socket = true;
    address.host = uri.substr(uri.compare(colon, 3, "://") == 0 ? colon + 3 : colon + 1);
    if (address.host.empty()) Invalid(fmt::format("missing socket in migration URI: {}", uri));
    return address;
  }
  if (scheme != "tcp") {
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported,
                fmt::format("unsupported scheme {} in migration URI {}", scheme, uri));
  }
  address.short_form = uri.compare(colon, 3, "://") != 0;
  auto parsed = Uri::Parse(address.short_form ? "tcp://" + uri.substr(colon + 1) : uri);
  address.host = parsed.server;
  address.port = static_cast<unsigned>(parsed.port);
  if (address.host.empty()) Invalid(fmt::format("missing host in migration URI: {}", uri));
  return address;
}

std::string HostAndPort(const std::string& host, unsigned port) {
  const bool bare = host.find(':') == std::string::npos;
  return fmt::format("{}{}{}:{}", bare ? "" : "[", host, bare ? "" : "]", port);
}

}  // namespace bv::qemu
