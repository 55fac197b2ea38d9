// Configuration text: nothing but entries or an Error with a place may come of any bytes, from the
// syntax and from every kind of daemon's keys.
#include <cstdlib>

#include "base/conf.h"
#include "base/error.h"
#include "daemon/config.h"

namespace {

template <typename F>
void ExpectPlace(F parse) {
  try {
    parse();
  } catch (const bv::Error& error) {
    if (error.message.find("fuzz.conf:") == std::string::npos) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using bv::ServerKind;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ExpectPlace([&] {
    int line = 0;
    for (const auto& entry : bv::ParseConf(text, "fuzz.conf")) {
      if (entry.key.empty() || entry.line < line) abort();
      line = entry.line;
    }
  });
  for (ServerKind kind : {ServerKind::kMonolithic, ServerKind::kProxy, ServerKind::kDriver, ServerKind::kLog, ServerKind::kLock}) {
    bv::Personality personality{"fuzzd", "", "", kind, true, nullptr};
    ExpectPlace([&] { bv::ParseConfig(personality, text, "fuzz.conf"); });
  }
  return 0;
}
