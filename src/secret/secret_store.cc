#include "secret/secret_store.h"

#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/encoding.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"

namespace bv::secret {

using model::SecretDef;
using model::SecretUsage;

namespace {

[[noreturn]] void ThrowInternal(std::string text) {
  throw Error(ErrorDomain::kSecret, ErrorCode::kInternalError, std::move(text));
}

void LogUnusable(const Error& error) { LogError("secret.secret_driver", "Error reading secret: {}", error.what()); }

std::string PathOf(const std::string& directory, const Uuid& uuid, const char* suffix) {
  return directory + "/" + uuid.ToString() + suffix;
}

}  // namespace

std::vector<Secret> SecretStore::ReadFiles(const std::string& directory) {
  std::vector<Secret> secrets;
  for (const std::string& file : ListDirectory(directory, ".xml")) {
    try {
      Secret secret{model::ParseSecret(ReadFile(directory + "/" + file), false), std::nullopt};
      Uuid uuid = secret.def.uuid;
      if (uuid.ToString() + ".xml" != file) ThrowInternal("<uuid> does not match secret file name '" + file + "'");
      if (auto value = ReadFileIfExists(PathOf(directory, uuid, ".base64"))) secret.value = FromBase64(*value);
      secrets.push_back(std::move(secret));
    } catch (const Error& e) {
      LogUnusable(e);
    }
  }
  return secrets;
}

void SecretStore::Load(std::vector<Secret> secrets) {
  for (Secret& secret : secrets) {
    try {
      CheckDefinition(secret.def);
      const Secret* old = Find(secret.def.uuid);
      if (old && !secret.value) secret.value = old->value;
      Put(std::move(secret));
    } catch (const Error& e) {
      LogUnusable(e);
    }
  }
}

void SecretStore::CheckDefinition(const SecretDef& def) const {
  const Secret* old = Find(def.uuid);
  if (!old) {
    const Secret* rival = def.usage == SecretUsage::kNone ? nullptr : Find(def.usage, def.usage_id);
    if (rival) {
      ThrowInternal("a secret with UUID " + rival->def.uuid.ToString() + " already defined for use with " + def.usage_id);
    }
    return;
  }
  if (old->def.usage != def.usage || old->def.usage_id != def.usage_id) {
    ThrowInternal("a secret with UUID " + def.uuid.ToString() + " is already defined for use with " + old->def.usage_id);
  }
  if (old->def.is_private && !def.is_private) ThrowInternal("cannot change private flag on existing secret");
}

void SecretStore::WriteFiles(const std::string& directory, const Secret& secret) {
  if (secret.def.ephemeral) return RemoveFiles(directory, secret.def.uuid);
  MakeDirs(directory, 0700);
  if (secret.value) WriteFileAtomic(PathOf(directory, secret.def.uuid, ".base64"), ToBase64(*secret.value));
  WriteFileAtomic(PathOf(directory, secret.def.uuid, ".xml"), model::FormatSecret(secret.def));
}

void SecretStore::RemoveFiles(const std::string& directory, const Uuid& uuid) {
  for (const char* suffix : {".xml", ".base64"}) {
    std::string path = PathOf(directory, uuid, suffix);
    if (unlink(path.c_str()) < 0 && errno != ENOENT) throw SystemError(ErrorDomain::kSecret, "cannot remove " + path);
  }
}

const Secret* SecretStore::Find(const Uuid& uuid) const {
  auto found = secrets_.find(uuid);
  return found == secrets_.end() ? nullptr : &found->second;
}

const Secret* SecretStore::Find(SecretUsage usage, const std::string& usage_id) const {
  for (auto& [uuid, secret] : secrets_) {
    if (secret.def.usage == usage && secret.def.usage_id == usage_id) return &secret;
  }
  return nullptr;
}

const Secret& SecretStore::Get(const Uuid& uuid) const {
  const Secret* secret = Find(uuid);
  if (!secret) {
    throw Error(ErrorDomain::kSecret, ErrorCode::kNoSecret, "no secret with matching uuid '" + uuid.ToString() + "'");
  }
  return *secret;
}

}  // namespace bv::secret
