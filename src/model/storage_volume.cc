#include "model/storage_volume.h"

#include <fmt/core.h>

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using V = VolumeDef;
using I = VolumeImage;

// --- <target>, <backingStore> ----------------------------------------------------------------------

void ReadFormat(Parser& p, V& v, I& image, const xml::Node& element) {
  const xml::Node* format = element.Child("format");
  auto text = format ? format->AttrOr("type") : std::string_view();
  if (text.empty() || v.formats == VolumeFormats::kNone) return;
  auto unknown = [&] { p.Fail(Fault::kUnsupported, "unknown volume format type " + std::string(text)); };
  if (v.formats == VolumeFormats::kPartitions) {
    auto known = FromString<PartitionFormat>(text);
    if (!known) unknown();
    v.partition = *known;
    return;
  }
  auto known = FromString<StorageFormat>(text);
  // LUKS is an encryption of raw volumes here.
  if (!known || *known == StorageFormat::kLuks) unknown();
  image.format = *known;
}

void ReadCompat(Parser& p, I& image, const xml::Node& element) {
  image.compat = element.ChildText("compat").value_or("");
  auto is_number = [](std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == text.npos; };
  auto dot = image.compat.find('.');
  std::string_view text = image.compat;
  bool good = text.empty() || (dot != text.npos && is_number(text.substr(0, dot)) && is_number(text.substr(dot + 1)));
  if (!good) p.Fail(Fault::kDomainXml, "forbidden characters in 'compat' attribute");
  if (image.compat.empty() && element.Child("features")) image.compat = "1.1";
}

void ReadFeatures(Parser& p, I& image, const xml::Node& element) {
  const xml::Node* features = element.Child("features");
  if (!features) return;
  image.features.emplace();
  for (const xml::Node* node = features->first_child; node; node = node->next) {
    if (node->kind != xml::Node::Kind::kElement) continue;
    if (node->name == "lazy_refcounts") image.features->lazy_refcounts = true;
    else if (node->name == "extended_l2") image.features->extended_l2 = true;
    else p.Fail(Fault::kUnsupported, "unsupported feature " + std::string(node->name));
  }
}

void ReadClusterSize(Parser& p, I& image, const xml::Node& element) {
  const xml::Node* size = element.Child("clusterSize");
  if (size && !size->text.empty()) image.cluster_size = p.ScaledText(*size, kBytes);
}

void ReadTarget(Parser& p, V& v, const xml::Node& element) {
  I& image = v.target;
  ReadFormat(p, v, image, element);
  if (const xml::Node* permissions = element.Child("permissions")) p.Read(kStoragePermissions, image.permissions, *permissions);
  if (const xml::Node* encryption = element.Child("encryption")) p.Read(kStorageEncryption, image.encryption.emplace(), *encryption);
  ReadCompat(p, image, element);
  ReadFeatures(p, image, element);
  ReadClusterSize(p, image, element);
  image.nocow = element.Child("nocow") != nullptr;
}

std::string Format(const Timestamp& time) {
  return time.nanoseconds ? fmt::format("{}.{:09}", time.seconds, time.nanoseconds) : std::to_string(time.seconds);
}

void WriteTimestamps(Formatter& f, const Timestamps& times) {
  f.out().Open("timestamps");
  f.out().TextElement("atime", Format(times.accessed));
  f.out().TextElement("mtime", Format(times.modified));
  f.out().TextElement("ctime", Format(times.changed));
  f.out().TextElement("btime", Format(times.born));
  f.out().Close("timestamps");
}

void WriteFormat(Formatter& f, const V& v, const I& image) {
  if (v.formats == VolumeFormats::kNone) return;
  f.out().Open("format");
  f.Attr("type", v.formats == VolumeFormats::kPartitions         ? ToString(v.partition)
                 : image.format == StorageFormat::kNone ? "none" : ToString(image.format));
  f.out().Close("format");
}

void WriteImage(Formatter& f, const char* name, const V& v, const I& image) {
  xml::Writer& out = f.out();
  out.Open(name);
  if (!image.path.empty()) out.TextElement("path", image.path);
  WriteFormat(f, v, image);
  if (!image.permissions.empty()) f.Write("permissions", kStoragePermissions, image.permissions);
  if (image.timestamps) WriteTimestamps(f, *image.timestamps);
  if (image.encryption) f.Write("encryption", kStorageEncryption, *image.encryption);
  if (!image.compat.empty()) out.TextElement("compat", image.compat);
  if (image.cluster_size) {
    out.Open("clusterSize");
    f.Attr("unit", "B");
    out.CloseWithText("clusterSize", std::to_string(image.cluster_size));
  }
  if (image.features) {
    out.Open("features");
    if (image.features->lazy_refcounts) out.EmptyElement("lazy_refcounts");
    if (image.features->extended_l2) out.EmptyElement("extended_l2");
    out.Close("features");
  }
  out.Close(name);
}

// What the schema allows; reading and writing go by hand, for the order of faults.
void ReadNothing(Parser&, I&, const xml::Node&) {}
void WriteNothing(Formatter&, const I&) {}
constexpr RowOf<I> kTargetSchema[] = {
    Custom<&ReadNothing, &WriteNothing>("path format permissions timestamps encryption compat nocow clusterSize features"),
};
constexpr Description<I> kTarget{kTargetSchema};
constexpr RowOf<I> kBackingSchema[] = {Custom<&ReadNothing, &WriteNothing>("path format permissions timestamps")};
constexpr Description<I> kBacking{kBackingSchema};

// --- the volume ------------------------------------------------------------------------------------

std::uint64_t Size(const Parser& p, const xml::Node& element) {
  auto number = ParseNumber<std::uint64_t>(element.text);
  if (!number) p.Fail(Fault::kDomainXml, "malformed capacity element");
  std::uint64_t size = p.Scaled(*number, element, kBytes);
  if (size > INT64_MAX) throw Error(ErrorDomain::kNone, ErrorCode::kOverflow, "value too large: " + std::string(element.text));
  return size;
}

const xml::Node* NotEmpty(const xml::Node* element) { return element && !element->text.empty() ? element : nullptr; }

void ReadVolume(Parser& p, V& v, const xml::Node& element, unsigned flags) {
  v.name = element.ChildText("name").value_or("");
  if (v.name.empty()) p.Fail(Fault::kDomainXml, "missing volume name element");
  v.key = element.ChildText("key").value_or("");
  if (auto type = element.AttrOr("type"); !type.empty()) {
    auto known = FromString<VolumeType>(type);
    if (!known) p.Fail(Fault::kUnsupported, "unknown volume type '" + std::string(type) + "'");
    v.type = *known;
  }
  const xml::Node* backing = element.Child("backingStore");
  if (backing && !backing->ChildText("path").value_or("").empty()) {
    v.backing.emplace();
    v.backing->path = *backing->ChildText("path");
    ReadFormat(p, v, *v.backing, *backing);
    if (const xml::Node* permissions = backing->Child("permissions")) p.Read(kStoragePermissions, v.backing->permissions, *permissions);
  }
  const xml::Node* capacity = NotEmpty(element.Child("capacity"));
  if (capacity) {
    v.capacity = Size(p, *capacity);
  } else if (!(flags & kVolumeNoCapacity) && !((flags & kVolumeOptionalCapacity) && v.backing)) {
    p.Fail(Fault::kDomainXml, "missing capacity element");
  }
  const xml::Node* allocation = NotEmpty(element.Child("allocation"));
  v.has_allocation = allocation != nullptr;
  v.allocation = allocation ? Size(p, *allocation) : v.capacity;
  if (const xml::Node* target = element.Child("target")) ReadTarget(p, v, *target);
}

// Extents of one device that follow each other stand together.
void WriteExtents(Formatter& f, const V& v) {
  if (v.extents.empty()) return;
  xml::Writer& out = f.out();
  out.Open("source");
  for (std::size_t i = 0; i < v.extents.size();) {
    const std::string& device = v.extents[i].device;
    out.Open("device");
    out.Attr("path", device);
    for (; i < v.extents.size() && v.extents[i].device == device; ++i) {
      out.Open("extent");
      out.Attr("start", std::to_string(v.extents[i].start));
      out.Attr("end", std::to_string(v.extents[i].end));
      out.Close("extent");
    }
    out.Close("device");
  }
  out.Close("source");
}

void ReadNothingOfVolume(Parser&, V&, const xml::Node&) {}
void WriteVolume(Formatter& f, const V& v) {
  auto bytes = [&](const char* name, std::uint64_t value) {
    f.out().Open(name);
    f.Attr("unit", "bytes");
    f.out().CloseWithText(name, std::to_string(value));
  };
  f.Attr("type", ToString(v.type));
  f.out().TextElement("name", v.name);
  if (!v.key.empty()) f.out().TextElement("key", v.key);
  WriteExtents(f, v);
  bytes("capacity", v.capacity);
  bytes("allocation", v.allocation);
  if (v.physical) bytes("physical", v.physical);
  WriteImage(f, "target", v, v.target);
  if (v.backing) WriteImage(f, "backingStore", v, *v.backing);
}

constexpr RowOf<V> kVolumeRows[] = {
    Custom<&ReadNothingOfVolume, &WriteVolume>("@type name key source capacity allocation physical"),
    Child<&V::target>("target", kTarget).With(kParseOnly),
    Child<&V::backing>("backingStore", kBacking).With(kParseOnly),
};
constexpr Description<V> kVolume{kVolumeRows};

}  // namespace

VolumeDef ParseVolume(std::string_view xml, unsigned flags, VolumeFormats formats) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kStorage, "storage_volume_definition", "volume");
  if (flags & kVolumeValidate) Validate(kVolume, document.root());
  VolumeDef volume;
  volume.formats = formats;
  Parser parser(ErrorDomain::kStorage, 0);
  ReadVolume(parser, volume, document.root(), flags);
  return volume;
}

std::string FormatVolume(const VolumeDef& volume) {
  xml::Writer out;
  Formatter(out, 0).Write("volume", kVolume, volume);
  return out.Take();
}

}  // namespace bv::model
