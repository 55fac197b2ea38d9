#include "qemu/display_password.h"

namespace bv::qemu {
namespace {

const char* Protocol(const model::Graphics& graphics) {
  return graphics.type == model::GraphicsType::kVnc ? "vnc" : "spice";
}

}  // namespace

MonitorCommand SetPasswordCommand(const model::Graphics& graphics, const std::optional<std::string>& fallback) {
  MonitorCommand command;
  command.name = "set_password";
  auto arguments = Json::Object();
  arguments.Set("protocol", Protocol(graphics));
  arguments.Set("password", graphics.auth.given ? graphics.auth.passwd : fallback.value_or(""));
  if (graphics.auth.connected != model::AuthConnected::kDefault)
    arguments.Set("connected", model::ToString(graphics.auth.connected));
  command.arguments = arguments;
  return command;
}

MonitorCommand ExpirePasswordCommand(const model::Graphics& graphics) {
  MonitorCommand command;
  command.name = "expire_password";
  auto arguments = Json::Object();
  arguments.Set("protocol", Protocol(graphics));
  // An empty password is one that has expired: nobody gets in with it.
  std::string time = "never";
  if (graphics.auth.given && graphics.auth.passwd.empty()) {
    time = "now";
  } else if (graphics.auth.valid_to) {
    time = std::to_string(*graphics.auth.valid_to);
  }
  arguments.Set("time", time);
  command.arguments = arguments;
  return command;
}

}  // namespace bv::qemu
