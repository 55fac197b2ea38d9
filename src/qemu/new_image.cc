#include "qemu/new_image.h"

#include <unistd.h>

#include "base/error.h"
#include "qemu/block_nodes.h"

namespace bv::qemu {
namespace {

[[noreturn]] void NotRunning() { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running"); }

}  // namespace

Task<std::uint64_t> VirtualSize(Guests* guests, DomainPtr domain, std::string node) {
  auto arguments = Json::Object({{"flat", true}});
  auto nodes = co_await guests->MonitorOf(domain).Execute("query-named-block-nodes", arguments);
  for (auto& entry : nodes.elements()) {
    if (entry["node-name"].AsString() == node) co_return entry["image"]["virtual-size"].AsUint().value_or(0);
  }
  co_return 0;
}

Task<> PlugImage(Guests* guests, DomainPtr domain, NewImage* image) {
  auto* guest = domain->guest.get();
  co_await guests->LockImage(domain, *image->source);
  image->locked = true;
  auto& config = guests->config();
  if (config.dynamic_ownership) {
    auto files = OwnedFiles(*image->source);
    auto give = [files, uid = config.uid, gid = config.gid, remember = config.remember_owner] { GiveFiles(files, uid, gid, remember); };
    co_await Offload(std::move(give));
    image->given = files;
  }
  if (domain->guest.get() != guest) NotRunning();
  std::optional<std::string> backing = image->backing;
  image->steps = co_await ImageSteps(domain, config, *image->disk, *image->source, backing);
  auto steps = image->steps;
  co_await RunSteps(guests, domain, std::move(steps));
  image->plugged = true;
}

Task<> TakeBack(Guests* guests, DomainPtr domain, NewImage* image) {
  auto* guest = domain->guest.get();
  if (image->plugged && guest && guest->monitor && guest->monitor->open()) {
    auto commands = Removal(image->steps);
    co_await guest->monitor->ExecuteAll(std::move(commands));
  }
  if (image->locked && domain->guest.get() == guest && guest) co_await guests->UnlockImage(domain, *image->source);
  auto undo = [given = image->given, remember = guests->config().remember_owner, made = image->made, path = image->source->path] {
    GiveBackFiles(given, remember);
    if (made) unlink(path.c_str());
  };
  co_await Offload(std::move(undo));
}

}  // namespace bv::qemu
