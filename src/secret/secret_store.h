#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/secret.h"

namespace bv::secret {

struct Secret {
  model::SecretDef def;
  std::optional<std::string> value;
};

// The secrets of a daemon, and their files: UUID.xml and UUID.base64 (modes 0600) in one directory,
// ephemeral ones in memory only. A change has three steps: Check..., then the files (static, blocking,
// for Offload), then what is in memory. Errors have domain kSecret.
class SecretStore {
 public:
  explicit SecretStore(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // What is on disk; a file that cannot be read is logged and left alone. Blocks.
  static std::vector<Secret> ReadFiles(const std::string& directory);
  // Takes them in beside what is there: new ones, and new definitions and values of known ones. One that CheckDefinition()
  // refuses is logged and left out.
  void Load(std::vector<Secret> secrets);

  // Throws kInternalError where the usage belongs to another secret or a private one would become public.
  void CheckDefinition(const model::SecretDef& def) const;

  // The files of `secret` as they must be, none where it is ephemeral.
  static void WriteFiles(const std::string& directory, const Secret& secret);
  static void RemoveFiles(const std::string& directory, const Uuid& uuid);

  void Put(Secret secret) { secrets_.insert_or_assign(secret.def.uuid, std::move(secret)); }
  void Remove(const Uuid& uuid) { secrets_.erase(uuid); }

  const Secret* Find(const Uuid& uuid) const;
  const Secret* Find(model::SecretUsage usage, const std::string& usage_id) const;
  const Secret& Get(const Uuid& uuid) const;  // kNoSecret
  const std::map<Uuid, Secret>& all() const { return secrets_; }

 private:
  std::string directory_;
  std::map<Uuid, Secret> secrets_;
};

}  // namespace bv::secret
