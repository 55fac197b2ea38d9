#include "qemu/block_nodes.h"

#include "base/error.h"
#include "base/log.h"
#include "qemu/command_line/disk.h"
#include "qemu/plug_steps.h"

namespace bv::qemu {

Task<> ReopenImage(Guests* guests, DomainPtr domain, const model::Disk& disk, const model::StorageSource& image, bool writable) {
  auto& guest = *domain->guest;
  auto options = OptionsForRemoval(guest);
  Context context{domain->def(), *guest.caps, guests->config(), options, HostQueries::Real()};
  auto below = image.backing && !image.backing->IsTerminator() ? std::optional(NamesOf(*image.backing).format) : std::optional<std::string>("");
  auto block = BlockOptionsOf(disk);
  auto layer = DescribeBlockLayer(image, NamesOf(image), block, below, context);
  auto node = layer.nodes.back().json().Clone();
  node.Set("read-only", !writable);
  auto arguments = Json::Object();
  arguments.Set("options", Json::Array({std::move(node)}));
  co_await guests->MonitorOf(domain).Execute("blockdev-reopen", arguments);
}

Task<> WritableImages::Open(const model::Disk& disk, const model::StorageSource& image) {
  if (&image == &disk.source) co_return;
  for (auto& opened : opened_) {
    if (opened.image == &image) co_return;
  }
  co_await ReopenImage(guests_, domain_, disk, image, true);
  opened_.push_back({&disk, &image});
}

Task<> WritableImages::Close() {
  while (!opened_.empty()) {
    auto opened = opened_.back();
    opened_.pop_back();
    if (!domain_->active()) co_return;
    try {
      co_await ReopenImage(guests_, domain_, *opened.disk, *opened.image, false);
    } catch (const Error& error) {
      LogWarn("qemu.qemu_block", "an image of disk '{}' stays writable: {}", opened.disk->dst, error.message);
    }
  }
}

namespace {

DescribeDevice LayerOf(const model::Disk& disk, const model::StorageSource& image, std::optional<std::string> backing_node) {
  return [&disk, &image, backing_node = std::move(backing_node)](const Context& context, CommandLine* out) {
    AddBlockLayer(DescribeBlockLayer(image, NamesOf(image), BlockOptionsOf(disk), backing_node, context), out);
  };
}

}  // namespace

Task<std::vector<PlugStep>> ImageSteps(DomainPtr domain, const QemuConfig& config, const model::Disk& disk,
                                       const model::StorageSource& image, std::optional<std::string> backing_node) {
  auto options = OptionsFor(*domain->guest);
  auto describe = LayerOf(disk, image, std::move(backing_node));
  auto steps = co_await StepsToAdd(domain, domain->def(), config, options, describe);
  co_return steps;
}

std::vector<MonitorCommand> ImageRemoval(const DomainPtr& domain, const QemuConfig& config, const model::Disk& disk,
                                         const model::StorageSource& image) {
  auto& guest = *domain->guest;
  return Removal(StepsFor(domain->def(), guest, config, OptionsForRemoval(guest), LayerOf(disk, image, "")));
}

}  // namespace bv::qemu
