#include "nodedev/mdev_definitions.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "nodedev/describe_device.h"

namespace bv::nodedev {

namespace {

constexpr char kProgram[] = "mdevctl", kDirectory[] = "/etc/mdevctl.d";
constexpr char kSource[] = "node_device.node_device_driver";
constexpr std::chrono::seconds kLimit{60};

[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kNodedev, ErrorCode::kInternalError, std::move(text)); }

// Changes when a file below the directory does.
void AddStamp(const std::string& path, int depth, std::string* stamp) {
  struct stat status;
  if (stat(path.c_str(), &status) < 0) return;
  *stamp += std::to_string(status.st_ino) + "." + std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + " ";
  if (!S_ISDIR(status.st_mode) || depth == 0) return;
  for (const std::string& name : ListDirectory(path)) AddStamp(path + "/" + name, depth - 1, stamp);
}

// Nullopt where there is no mdevctl.
std::optional<std::string> ReadStamp() {
  if (!FindProgram(kProgram)) return std::nullopt;
  std::string stamp = "mdevctl ";
  constexpr int kParentAndDevice = 2;
  AddStamp(kDirectory, kParentAndDevice, &stamp);
  return stamp;
}

MdevDefinition ParseDevice(const std::string& parent, const std::string& uuid, const Json& json) {
  MdevDefinition definition;
  definition.parent_address = definition.mdev.parent_address = parent;
  definition.mdev.uuid = Uuid::Parse(uuid);
  definition.mdev.type = json.Find("mdev_type").AsString().value_or("");
  if (!definition.mdev.uuid || definition.mdev.type.empty()) Fail("Unable to parse child device");
  definition.autostart = json.Find("start").AsString() == "auto";
  for (const Json& attribute : json.Find("attrs").elements()) {
    for (auto& [name, value] : attribute.members()) definition.mdev.attributes.push_back({name, value.AsString().value_or("")});
  }
  return definition;
}

}  // namespace

std::string MdevDefinition::name() const { return NameOf("mdev", mdev.uuid->ToString(), parent_address); }

std::vector<MdevDefinition> ParseMdevList(std::string_view text) {
  std::vector<MdevDefinition> list;
  // [ { PARENT: [ { UUID: { "mdev_type", "start", "attrs": [ { NAME: VALUE } ] } } ] } ]
  Json document = Json::Parse(text);
  if (!document.is_array()) Fail("Unexpected format for mdevctl response");
  for (const Json& parents : document.elements()) {
    for (auto& [parent, devices] : parents.members()) {
      for (const Json& device : devices.elements()) {
        for (auto& [uuid, json] : device.members()) list.push_back(ParseDevice(parent, uuid, json));
      }
    }
  }
  std::ranges::sort(list, {}, &MdevDefinition::name);
  return list;
}

std::string FormatMdev(const model::Mdev& mdev) {
  Json json = Json::Object({{"mdev_type", mdev.type}, {"start", "manual"}});
  Json attributes = Json::Array();
  for (const model::MdevAttribute& attribute : mdev.attributes) attributes.Append(Json::Object({{attribute.name.c_str(), attribute.value}}));
  if (attributes.size() > 0) json.Set("attrs", attributes);
  return json.Dump();
}

Task<std::string> RunMdevctl(std::vector<std::string> arguments, std::string input, std::string purpose) {
  auto find = [] { return FindProgram(kProgram); };
  auto program = co_await Offload(find);
  if (!program) throw SystemError(ErrorDomain::kNone, ENOENT, "Cannot find 'mdevctl' in path");
  Command command;
  command.program = *program;
  command.argv = {kProgram};
  for (std::string& argument : arguments) command.argv.push_back(std::move(argument));
  CommandResult result = co_await Run(std::move(command), std::move(input), In(kLimit));
  if (!result.ok()) Fail("Unable to " + purpose + ": " + (result.errors.empty() ? "Unknown error" : result.errors));
  co_return result.output;
}

Task<> MdevDefinitions::Refresh() {
  auto turn = co_await turn_.Acquire();
  auto stamp = co_await Offload(ReadStamp);
  if (stamp == stamp_ || (!stamp && stamp_.empty())) co_return;
  stamp_ = stamp.value_or("");
  if (!stamp) {
    all_.clear();
    co_return;
  }
  try {
    std::vector<std::string> arguments = {"list", "--dumpjson", "--defined"};
    std::string output = co_await RunMdevctl(std::move(arguments), "", "query mdevs from mdevctl");
    all_ = ParseMdevList(output);
  } catch (const Error& error) {
    LogError(kSource, "{}", error.message);
  }
}

MdevDefinition* MdevDefinitions::Find(std::string_view name) {
  auto found = std::ranges::find(all_, name, &MdevDefinition::name);
  return found == all_.end() ? nullptr : &*found;
}

void MdevDefinitions::Put(MdevDefinition definition) {
  Remove(definition.name());
  all_.push_back(std::move(definition));
}

void MdevDefinitions::Remove(std::string_view name) {
  std::erase_if(all_, [=](const MdevDefinition& definition) { return definition.name() == name; });
}

}  // namespace bv::nodedev
