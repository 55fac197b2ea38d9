#include "qemu/command_line/secret_object.h"

#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <sys/random.h>

#include <cstring>
#include <span>

#include "base/encoding.h"
#include "base/error.h"

namespace bv::qemu {

Props EncryptedSecretObject(std::string_view id, std::string_view value, const MasterKey& key) {
  std::array<std::uint8_t, 16> iv;
  if (getrandom(iv.data(), iv.size(), 0) != static_cast<ssize_t>(iv.size())) {
    throw SystemError(ErrorDomain::kQemu, "failed to generate random bytes for an initialization vector");
  }
  return EncryptedSecretObject(id, value, key, iv);
}

Props EncryptedSecretObject(std::string_view id, std::string_view value, const MasterKey& key,
                            const std::array<std::uint8_t, 16>& iv) {
  // PKCS#7: always at least one byte of padding, each holding their number.
  std::string padded(value);
  std::size_t padding = AES_BLOCK_SIZE - value.size() % AES_BLOCK_SIZE;
  padded.append(padding, static_cast<char>(padding));

  aes256_ctx cipher;
  aes256_set_encrypt_key(&cipher, key.data());
  auto chain = iv;
  auto* bytes = reinterpret_cast<std::uint8_t*>(padded.data());
  cbc_encrypt(&cipher, reinterpret_cast<nettle_cipher_func*>(aes256_encrypt), AES_BLOCK_SIZE, chain.data(),
              padded.size(), bytes, bytes);
  explicit_bzero(&cipher, sizeof cipher);

  return Props::Object("secret", id)
      .Add("data", ToBase64(std::span(bytes, padded.size())))
      .Add("keyid", kMasterKeyAlias)
      .Add("iv", ToBase64(iv))
      .Add("format", "base64");
}

}  // namespace bv::qemu
