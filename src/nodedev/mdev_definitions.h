#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wait.h"
#include "model/node_device.h"

namespace bv::nodedev {

// A mediated device as mdevctl has it on disk, to be made when it is wanted.
struct MdevDefinition {
  std::string parent_address;
  bool autostart = false;
  model::Mdev mdev;  // with its UUID and its parent's address

  std::string name() const;
};

// What "mdevctl list --dumpjson --defined" printed, by name. Throws kInternalError for anything else.
std::vector<MdevDefinition> ParseMdevList(std::string_view text);
// What mdevctl is told of a device to define or start.
std::string FormatMdev(const model::Mdev& mdev);

// What mdevctl printed, called with these arguments. `purpose` completes the fault: "Unable to PURPOSE: what it said".
// Throws kSystemError (domain kNone) where the program is not there.
Task<std::string> RunMdevctl(std::vector<std::string> arguments, std::string input, std::string purpose);

// The definitions, asked of mdevctl again when its files have changed. Where it is not installed there are none.
class MdevDefinitions {
 public:
  Task<> Refresh();
  const std::vector<MdevDefinition>& all() const { return all_; }
  MdevDefinition* Find(std::string_view name);

  // What was done by us, before mdevctl is asked the next time.
  void Put(MdevDefinition definition);
  void Remove(std::string_view name);

 private:
  AsyncMutex turn_;
  std::string stamp_;  // of the files, as they were when mdevctl was asked
  std::vector<MdevDefinition> all_;
};

}  // namespace bv::nodedev
