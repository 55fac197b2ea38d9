#include "storage/tool.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/files.h"
#include "base/wait.h"

namespace bv::storage {

Task<std::string> RunTool(Command command) {
  command.environment.emplace_back("LC_ALL", "C");
  auto result = co_await Run(command);
  if (result.ok()) co_return std::move(result.output);
  auto errors = result.errors.substr(0, result.errors.find_last_not_of('\n') + 1);
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
              fmt::format("the program ({}) {}: {}", fmt::join(command.argv, " "), result.Describe(), errors));
}

Task<std::string> RunTool(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  auto output = co_await RunTool(std::move(command));
  co_return output;
}

Task<> SettleDevices() {
  auto find = [] { return FindProgram("udevadm"); };
  auto program = co_await Offload(find);
  if (!program) co_return;
  Command command;
  command.argv = {*program, "settle"};
  co_await Run(command);
}

}  // namespace bv::storage
