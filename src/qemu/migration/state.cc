#include "qemu/migration/state.h"

#include <chrono>

#include "qemu/guest.h"
#include "rpc/service.h"

namespace bv::qemu {
namespace {

constexpr std::string_view kPhases[] = {"none",           "perform2",     "begin3",         "perform3",       "perform3_done",
                                        "confirm3_cancelled", "confirm3", "prepare",        "finish2",        "finish3",
                                        "postcopy_failed", "begin_resume", "perform_resume", "confirm_resume", "prepare_resume",
                                        "finish_resume"};

}  // namespace

std::string_view PhaseName(MigrationPhase phase) { return kPhases[static_cast<int>(phase)]; }

std::optional<MigrationPhase> ParsePhase(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kPhases); ++i) {
    if (kPhases[i] == name) return static_cast<MigrationPhase>(i);
  }
  return std::nullopt;
}

Migration::~Migration() {
  if (auto session = client.lock(); session && on_close) session->RemoveOnClose(on_close);
}

}  // namespace bv::qemu
