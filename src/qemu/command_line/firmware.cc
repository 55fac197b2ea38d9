#include "qemu/command_line/firmware.h"

#include "qemu/command_line/storage.h"

namespace bv::qemu {

using namespace model;

namespace {

bool HasFlash(const DomainDef& def) { return def.os.loader && def.os.loader->type == LoaderType::kPflash; }

StorageSource LoaderSource(const Loader& loader) {
  StorageSource source;
  source.type = StorageType::kFile;
  source.format = StorageFormat::kRaw;
  source.path = loader.path;
  source.readonly = loader.readonly == YesNo::kYes;
  return source;
}

}  // namespace

void AddFlashNodes(const Context& context, CommandLine* out) {
  const Os& os = context.def.os;
  if (!HasFlash(context.def)) return;
  const StorageSource loader = LoaderSource(*os.loader);
  AddBlockLayer(DescribeBlockLayer(loader, NamesOf(loader, "pflash0"), {}, std::nullopt, context), out);
  if (os.nvram && !os.nvram->source.IsTerminator()) {
    auto& nvram = os.nvram->source;
    AddBlockLayer(DescribeBlockLayer(nvram, NamesOf(nvram, "pflash1"), {}, std::nullopt, context), out);
  }
}

std::vector<std::pair<std::string, std::string>> FlashChips(const DomainDef& def) {
  std::vector<std::pair<std::string, std::string>> chips;
  if (!HasFlash(def)) return chips;
  chips.emplace_back("pflash0", "libvirt-pflash0-format");
  if (def.os.nvram && !def.os.nvram->source.IsTerminator()) chips.emplace_back("pflash1", "libvirt-pflash1-format");
  return chips;
}

void AddLoader(const Context& context, CommandLine* out) {
  auto& loader = context.def.os.loader;
  if (!loader) return;
  if (loader->type == LoaderType::kPflash) {
    if (loader->secure == YesNo::kYes) out->Option("-global", "driver=cfi.pflash01,property=secure,value=on");
  } else if (!loader->path.empty()) {
    out->Option("-bios", loader->path);
  }
}

}  // namespace bv::qemu
