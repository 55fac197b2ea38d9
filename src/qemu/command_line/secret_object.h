#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "qemu/command_line/props.h"

namespace bv::qemu {

// The key of a guest's process under which every other secret is handed to QEMU. It lives as long
// as the process; QEMU reads it from the file named in the first `-object`.
using MasterKey = std::array<std::uint8_t, 32>;

inline constexpr std::string_view kMasterKeyAlias = "masterKey0";

// The `secret` object `id` that holds `value` encrypted with `key` (AES-256-CBC, fresh random IV,
// base64). Throws kInternalError when the system gives no random bytes.
Props EncryptedSecretObject(std::string_view id, std::string_view value, const MasterKey& key);
// With a given IV, for tests against known answers.
Props EncryptedSecretObject(std::string_view id, std::string_view value, const MasterKey& key,
                            const std::array<std::uint8_t, 16>& iv);

}  // namespace bv::qemu
