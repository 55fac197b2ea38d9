#include "daemon/hooks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"

namespace bv {

namespace {

constexpr const char* kSource = "util.hook";
constexpr char kDirectory[] = "/etc/libvirt/hooks/";

bool IsScript(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

// What a script may know of the daemon's environment.
std::vector<std::pair<std::string, std::string>> Environment() {
  std::vector<std::pair<std::string, std::string>> environment = {{"LC_ALL", "C"}};
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME"}) {
    const char* value = getenv(name);
    if (value) environment.emplace_back(name, value);
    else if (std::string_view(name) == "PATH") environment.emplace_back(name, "/bin:/usr/bin");
  }
  return environment;
}

// As it could be typed, for messages.
std::string Line(const Command& command) {
  std::string line;
  for (auto& [name, value] : command.environment) line += name + "=" + value + " ";
  for (auto& word : command.argv) line += word + " ";
  line.pop_back();
  return line;
}

}  // namespace

Hooks::Hooks(std::string name) : name_(std::move(name)) { present_ = !Scripts().empty(); }

std::vector<std::string> Hooks::Scripts() const {
  std::vector<std::string> scripts;
  std::string main = kDirectory + name_;
  if (IsScript(main)) scripts.push_back(main);
  for (std::string& script : ListDirectory(main + ".d")) {
    std::string path = main + ".d/" + script;
    if (IsScript(path)) scripts.push_back(std::move(path));
  }
  return scripts;
}

Task<std::string> Hooks::Run(std::string object, std::string operation, std::string sub_operation, std::string extra,
                             std::string input) const {
  if (!present_) co_return input;
  auto look = [this] { return Scripts(); };
  auto scripts = co_await Offload(look);
  std::optional<Error> failure;
  for (const std::string& script : scripts) {
    Command command;
    command.argv = {script};
    for (const std::string* word : {&object, &operation, &sub_operation, &extra}) command.argv.push_back(word->empty() ? "-" : *word);
    command.clear_environment = true;
    command.environment = Environment();
    std::string line = Line(command), problem;
    try {
      auto result = co_await bv::Run(std::move(command), input);
      if (!result.ok()) problem = "internal error: Child process (" + line + ") " + result.Describe() + ": " + result.errors;
      else if (!result.output.empty()) input = std::move(result.output);
    } catch (const Error& error) {
      problem = error.message;
    }
    if (problem.empty()) continue;
    failure.emplace(ErrorDomain::kHook, ErrorCode::kHookScriptFailed, problem);
    LogError(kSource, "{}", failure->message);
  }
  if (failure) throw *failure;
  co_return input;
}

Task<> Hooks::Tell(std::string object, std::string operation, std::string sub_operation, std::string extra, std::string input) const {
  try {
    co_await Run(object, operation, sub_operation, extra, input);
  } catch (const Error&) {
    // Told in the log already.
  }
}

}  // namespace bv
