#include "qemu/command_line/paths.h"

#include <algorithm>

namespace bv::qemu {

std::string ShortName(const model::DomainDef& def) {
  constexpr unsigned kMaxCharacters = 20;
  // Characters, not bytes: a continuation byte of UTF-8 does not count.
  std::size_t end = 0;
  for (unsigned count = 0; end < def.name.size(); ++end) {
    if ((static_cast<unsigned char>(def.name[end]) & 0xc0) != 0x80 && count++ == kMaxCharacters) break;
  }
  return fmt::format("{}-{}", def.id.value_or(-1), def.name.substr(0, end));
}

std::string DomainLibDir(const Context& context) {
  return fmt::format("{}/domain-{}", context.config.dirs.lib, ShortName(context.def));
}

std::string ChannelTargetDir(const model::DomainDef& def, const QemuConfig& config) {
  return fmt::format("{}/domain-{}", config.dirs.channel_target, ShortName(def));
}

std::string MemoryBackingFile(const Context& context, std::string_view alias) {
  const std::string& configured = context.config.memory_backing_dir;
  std::string base = configured == context.config.dirs.memory ? configured : configured + "/libvirt/qemu";
  return fmt::format("{}/{}/{}", base, ShortName(context.def), alias);
}

HostQueries::HugetlbfsMount FindHugetlbfsMount(const Context& context, model::KiB page_size) {
  auto mounts = context.host.HugetlbfsMounts();
  auto found = std::ranges::find_if(
      mounts, [&](auto& mount) { return page_size ? mount.page_size_kib == page_size : mount.is_default_size; });
  if (found == mounts.end() && !page_size) found = mounts.begin();
  if (found != mounts.end()) return *found;
  if (!page_size) throw Internal("hugetlbfs filesystem is not mounted or disabled by administrator config");
  throw Internal("Unable to find any usable hugetlbfs mount for {} KiB", page_size);
}

std::string HugepageDirectory(const Context& context, model::KiB page_size) {
  return fmt::format("{}/libvirt/qemu/{}", FindHugetlbfsMount(context, page_size).directory, ShortName(context.def));
}

}  // namespace bv::qemu
