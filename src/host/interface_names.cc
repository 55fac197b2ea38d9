#include "host/interface_names.h"

#include <atomic>
#include <charconv>

#include "base/error.h"
#include "host/net_link.h"

namespace bv::host {

namespace {

// Longer numbers do not fit into a name with the longest prefix.
constexpr unsigned kEnd = 10'000'000;

struct Series {
  std::string_view prefix;
  std::atomic<unsigned> next{0};
};
constinit Series g_series[] = {{kTapPrefix}, {kMacvtapPrefix}};

}  // namespace

std::string NextInterfaceName(std::string_view prefix) {
  for (Series& series : g_series) {
    if (series.prefix != prefix) continue;
    for (unsigned tries = 0; tries < kEnd; ++tries) {
      std::string name = std::string(prefix) + std::to_string(series.next++ % kEnd);
      if (!NetLink::Exists(name)) return name;
    }
  }
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "no unused " + std::string(prefix) + " names available");
}

void NoteInterfaceName(std::string_view name) {
  for (Series& series : g_series) {
    if (!name.starts_with(series.prefix)) continue;
    std::string_view digits = name.substr(series.prefix.size());
    unsigned number = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size() || number >= kEnd) continue;
    for (unsigned next = series.next; next <= number && !series.next.compare_exchange_weak(next, number + 1);) continue;
  }
}

}  // namespace bv::host
