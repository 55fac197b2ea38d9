#include "qemu/guest_hooks.h"

#include "daemon/hooks.h"
#include "model/domain/domain.h"
#include "qemu/domain.h"

namespace bv::qemu {

namespace {

const Hooks& GuestHooks() {
  static const Hooks hooks("qemu");
  return hooks;
}

}  // namespace

void LookForGuestHooks() { GuestHooks(); }

Task<> RunGuestHooks(const Domain& domain, std::string operation) {
  if (!GuestHooks().present()) co_return;
  std::string name = domain.name(), definition = model::FormatDomain(domain.def(), 0);
  co_await GuestHooks().Run(name, operation, "begin", "", definition);
}

Task<std::string> FilterByGuestHooks(std::string name, std::string operation, std::string xml) {
  co_return co_await GuestHooks().Run(name, operation, "begin", "", xml);
}

std::string DefinitionForHooks(const Domain& domain) {
  if (!GuestHooks().present()) return {};
  std::string xml = model::FormatDomain(domain.def(), 0);
  // One that has ended has no number any more.
  std::size_t end = xml.find('>'), id = xml.find(" id='");
  if (id < end) xml.erase(id, xml.find('\'', id + 5) + 1 - id);
  return xml;
}

Task<> TellGuestHooks(std::string name, std::string operation, std::string definition) {
  co_await GuestHooks().Tell(name, operation, "end", "", definition);
}

}  // namespace bv::qemu
