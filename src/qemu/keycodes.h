#pragma once

#include <cstdint>
#include <optional>

namespace bv::qemu {

// Key codes of virKeycodeSet to QEMU's numbers (XT scan codes, with 0x80 for those after an 0xe0 prefix).
// nullopt for a key or codeset that cannot be translated.
std::optional<std::uint32_t> TranslateKey(std::uint32_t codeset, std::uint32_t code);
const char* CodesetName(std::uint32_t codeset);

}  // namespace bv::qemu
