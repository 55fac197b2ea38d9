#include "network/network_hooks.h"

#include "base/text.h"
#include "daemon/hooks.h"

namespace bv::network {

namespace {

const Hooks& NetworkHooks() {
  static const Hooks hooks("network");
  return hooks;
}

void AppendIndented(std::string& text, const std::string& document) {
  for (std::string_view line : SplitAt(document, '\n')) text += "  " + std::string(line) + "\n";
}

std::string HookData(const model::NetworkDef& def, const model::NetworkPortDef* port) {
  std::string text = "<hookData>\n";
  AppendIndented(text, model::FormatNetwork(def, 0));
  if (port) AppendIndented(text, model::FormatNetworkPort(*port));
  return text + "</hookData>\n";
}

}  // namespace

void LookForNetworkHooks() { NetworkHooks(); }

Task<> RunNetworkHooks(std::string operation, model::NetworkDef def, const model::NetworkPortDef* port) {
  if (!NetworkHooks().present()) co_return;
  std::string data = HookData(def, port);
  co_await NetworkHooks().Run(def.name, operation, "begin", "", data);
}

Task<> TellNetworkHooks(std::string operation, std::string sub_operation, model::NetworkDef def, const model::NetworkPortDef* port) {
  if (!NetworkHooks().present()) co_return;
  std::string data = HookData(def, port);
  co_await NetworkHooks().Tell(def.name, operation, sub_operation, "", data);
}

}  // namespace bv::network
