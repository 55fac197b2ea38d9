#include "qemu/command_line/storage.h"

#include "qemu/command_line/storage_network.h"
#include "qemu/command_line/tls.h"

namespace bv::qemu {

using namespace model;

namespace {

// cache= as QEMU's block nodes have it; the write cache is the device's.
void AddCache(Props* node, DiskCache cache) {
  if (cache == DiskCache::kDefault) return;
  bool direct = cache == DiskCache::kNone || cache == DiskCache::kDirectsync;
  bool no_flush = cache == DiskCache::kUnsafe;
  node->Add("cache", Props().Add("direct", direct).Add("no-flush", no_flush));
}

const char* AioName(DiskIo io) {
  switch (io) {
    case DiskIo::kNative:
      return "native";
    case DiskIo::kThreads:
      return "threads";
    case DiskIo::kIoUring:
      return "io_uring";
    default:
      return nullptr;
  }
}

Props LocalFile(const StorageSource& source, const BlockNames& names, const BlockOptions& options, const char* driver) {
  Props node = Props::Device(driver);
  node.Add("filename", source.path);
  if (const char* aio = AioName(options.io)) node.Add("aio", aio);
  if (source.reservations) {
    node.Add("pr-manager",
             source.reservations->managed == YesNo::kYes ? std::string("pr-helper0") : "pr-helper-" + names.storage);
  }
  return node;
}

bool HasLuks(const StorageSource& source) {
  return source.encryption && source.encryption->engine != EncryptionEngine::kLibrbd &&
         (source.encryption->format == EncryptionFormat::kLuks || source.format == StorageFormat::kLuks);
}

Props FormatNode(const StorageSource& source, const BlockNames& names) {
  const std::string secret = names.format + "-encryption-secret0";
  switch (source.format) {
    case StorageFormat::kFat:
      return Props::Device("raw");
    case StorageFormat::kRaw:
    case StorageFormat::kLuks:
    case StorageFormat::kNone:
      if (HasLuks(source)) return Props::Device("luks").Add("key-secret", secret);
      break;
    case StorageFormat::kQcow:
    case StorageFormat::kQcow2: {
      Props node = Props::Device(ToString(source.format));
      if (source.encryption && !source.encryption->secrets.empty() && source.encryption->engine != EncryptionEngine::kLibrbd) {
        const char* format = source.encryption->format == EncryptionFormat::kLuks ? "luks" : "aes";
        node.Add("encrypt", Props().Add("format", format).Add("key-secret", secret));
      }
      node.Add("cache-size", source.metadata_cache_max);
      return node;
    }
    case StorageFormat::kBochs:
    case StorageFormat::kCloop:
    case StorageFormat::kDmg:
    case StorageFormat::kVdi:
    case StorageFormat::kVmdk:
    case StorageFormat::kVpc:
    case StorageFormat::kQed:
      return Props::Device(ToString(source.format));
    case StorageFormat::kVhd:
      return Props::Device("vhdx");
    case StorageFormat::kPloop:
      return Props::Device("parallels");
    default:
      throw Unsupported("storage format '{}' is not directly supported by QEMU", ToString(source.format));
  }
  Props node = Props::Device("raw");
  // Without encryption, the raw driver cuts the slice itself.
  if (source.slice && names.slice.empty()) node.Add("offset", source.slice->offset).Add("size", source.slice->size);
  return node;
}

bool HasBacking(StorageFormat format) {
  return format == StorageFormat::kQcow || format == StorageFormat::kQcow2 || format == StorageFormat::kQed ||
         format == StorageFormat::kVmdk || format == StorageFormat::kCow;
}

const char* DetectZeroes(const BlockOptions& options) {
  switch (options.detect_zeroes) {
    case DiskDetectZeroes::kOff:
      return "off";
    case DiskDetectZeroes::kOn:
      return "on";
    case DiskDetectZeroes::kUnmap:
      // Zeroes can only be unmapped where discarding is allowed.
      return options.discard == DiskDiscard::kUnmap ? "unmap" : "on";
    default:
      return nullptr;
  }
}

// The slice of a source whose format node cannot cut it out.
bool NeedsSliceNode(const StorageSource& source) {
  return source.slice && !((source.format == StorageFormat::kRaw || source.format == StorageFormat::kNone) && !HasLuks(source));
}

}  // namespace

BlockNames NamesOf(const StorageSource& source, std::string_view purpose) {
  BlockNames names{fmt::format("libvirt-{}-storage", purpose), {}, fmt::format("libvirt-{}-format", purpose)};
  if (NeedsSliceNode(source)) names.slice = fmt::format("libvirt-{}-slice-sto", purpose);
  return names;
}

BlockNames NamesOf(const StorageSource& source) { return NamesOf(source, std::to_string(source.id)); }

Props DescribeStorage(const StorageSource& source, const BlockNames& names, const BlockOptions& options, const Context& context) {
  switch (source.type) {
    case StorageType::kFile:
      if (!source.fdgroup.empty()) {
        throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                    fmt::format("file descriptor group '{}' was not associated with the domain", source.fdgroup));
      }
      return LocalFile(source, names, options, "file");
    case StorageType::kBlock:
      return LocalFile(source, names, options, "host_device");
    case StorageType::kDir: {
      if (source.format != StorageFormat::kFat) return LocalFile(source, names, options, "file");
      Props node = Props::Device("vvfat");
      return node.Add("dir", source.path).Add("floppy", options.floppy).Add("rw", !source.readonly);
    }
    case StorageType::kNvme: {
      auto& pci = source.nvme->address;
      Props node = Props::Device("nvme");
      node.Add("device", fmt::format("{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.slot, pci.function));
      return node.Add("namespace", source.nvme->namespace_id);
    }
    case StorageType::kNetwork:
      return DescribeNetworkStorage(source, names, context);
    case StorageType::kVolume:
      throw Internal("storage source pool '{}' volume '{}' is not translated", source.volume ? source.volume->pool : "",
                     source.volume ? source.volume->volume : "");
    default:
      throw Internal("storage type '{}' has no block node", ToString(source.type));
  }
}

std::vector<Props> DescribeStorageObjects(const StorageSource& source, const BlockNames& names, const Context& context) {
  std::vector<Props> objects;
  if (source.reservations && source.reservations->managed == YesNo::kNo) {
    objects.push_back(Props::Object("pr-manager-helper", "pr-helper-" + names.storage).Add("path", source.reservations->path));
  }
  if (source.type == StorageType::kNetwork) AppendNetworkObjects(source, names, context, &objects);
  return objects;
}

BlockLayer DescribeBlockLayer(const StorageSource& source, const BlockNames& names, const BlockOptions& options,
                              const std::optional<std::string>& backing_node, const Context& context) {
  BlockLayer layer;
  layer.objects = DescribeStorageObjects(source, names, context);
  if (source.encryption && source.encryption->engine != EncryptionEngine::kLibrbd && !source.encryption->secrets.empty()) {
    auto& secret = source.encryption->secrets.front();
    SecretLookup lookup{.uuid = secret.uuid ? secret.uuid->ToString() : "", .usage_type = "volume", .usage = secret.usage};
    layer.objects.push_back(EncryptedSecretObject(names.format + "-encryption-secret0", context.options.secret_value(lookup),
                                                  context.options.master_key));
  }

  Props storage = DescribeStorage(source, names, options, context);
  storage.Add("node-name", names.storage);
  AddCache(&storage, options.cache);
  storage.Add("auto-read-only", true).Add("discard", "unmap");
  layer.nodes.push_back(std::move(storage));

  if (!names.slice.empty()) {
    Props slice = Props::Device("raw");
    slice.Add("node-name", names.slice).Add("offset", source.slice->offset).Add("size", source.slice->size);
    slice.Add("file", names.storage).Add("auto-read-only", true).Add("discard", "unmap");
    AddCache(&slice, options.cache);
    layer.nodes.push_back(std::move(slice));
  }

  Props format;
  format.Add("node-name", names.format).Add("read-only", source.readonly || options.readonly);
  if (options.discard != DiskDiscard::kDefault) format.Add("discard", ToString(options.discard));
  if (const char* zeroes = DetectZeroes(options)) format.Add("detect-zeroes", zeroes);
  AddCache(&format, options.cache);
  format.Append(FormatNode(source, names));
  format.Add("file", names.Lower());
  if (!HasBacking(source.format) && backing_node && !backing_node->empty()) {
    throw Unsupported("storage format '{}' does not support backing store", ToString(source.format));
  }
  if (HasBacking(source.format) && backing_node) {
    if (backing_node->empty()) format.AddNull("backing");
    else format.Add("backing", *backing_node);
  }
  layer.nodes.push_back(std::move(format));
  return layer;
}

std::vector<BlockLayer> DescribeChain(const StorageSource& top, const BlockOptions& options, const Context& context) {
  std::vector<const StorageSource*> chain;
  const StorageSource* end = &top;
  for (; end && !end->IsTerminator(); end = end->backing.get()) chain.push_back(end);

  std::optional<std::string> below;
  if (end) below = "";
  std::vector<BlockLayer> layers;
  for (auto source = chain.rbegin(); source != chain.rend(); ++source) {
    BlockNames names = NamesOf(**source);
    BlockOptions own = options;
    // What lies below is only read, and the guest's zeroes never get there.
    if (*source != &top) {
      own.readonly = true;
      own.detect_zeroes = DiskDetectZeroes::kDefault;
    }
    layers.push_back(DescribeBlockLayer(**source, names, own, below, context));
    below = names.format;
  }
  return layers;
}

void AddBlockLayer(const BlockLayer& layer, CommandLine* out) {
  for (auto& object : layer.objects) out->Object(object);
  for (auto& node : layer.nodes) out->Blockdev(node);
}

}  // namespace bv::qemu
