#include "commands.h"

namespace bv {

std::span<const Command> Commands() { return {}; }

const Command* FindCommand(std::string_view name) {
  for (const Command& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace bv
