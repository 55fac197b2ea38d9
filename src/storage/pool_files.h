#pragma once

#include <string>
#include <vector>

#include "model/storage_pool.h"

namespace bv::storage {

// Pools on disk: definitions and links to those that start with the daemon, and the states of those that are
// active. All of it blocks; throws kSystemError.
class PoolFiles {
 public:
  PoolFiles(std::string config, std::string state) : config_(std::move(config)), autostart_(config_ + "/autostart"), state_(std::move(state)) {}

  const std::string& state() const { return state_; }

  struct Loaded {
    model::PoolDef def;
    bool autostart = false;
  };
  // What cannot be read is logged and left alone.
  std::vector<Loaded> LoadDefinitions() const;
  std::vector<model::PoolDef> LoadStates() const;

  void SaveDefinition(const model::PoolDef& def) const;
  void RemoveDefinition(const std::string& name) const;  // and its link
  void SetAutostart(const std::string& name, bool autostart) const;
  void SaveState(const model::PoolDef& def) const;
  void RemoveState(const std::string& name) const;

 private:
  std::string config_, autostart_, state_;
};

}  // namespace bv::storage
