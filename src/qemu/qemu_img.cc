#include "qemu/qemu_img.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/command.h"
#include "base/error.h"

namespace bv::qemu {

Task<> QemuImg(std::vector<std::string> arguments) {
  Command command;
  command.argv.push_back("qemu-img");
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  auto line = fmt::format("/usr/bin/{}", fmt::join(command.argv, " "));
  auto result = co_await Run(std::move(command));
  if (result.ok()) co_return;
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, fmt::format("Child process ({}) {}: {}", line, result.Describe(), result.errors));
}

}  // namespace bv::qemu
