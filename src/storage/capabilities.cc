#include <array>
#include <span>

#include "base/xml.h"
#include "storage/backend.h"

namespace bv::storage {

using model::PoolType;

namespace {

// Formats of files, with a name for none.
auto FileFormats() {
  using Names = model::Spelling<model::StorageFormat>;
  constexpr auto kLast = static_cast<std::size_t>(model::StorageFormat::kLuks);  // an encryption here
  std::array<const char*, kLast> names;
  for (std::size_t i = 0; i < kLast; ++i) names[i] = i == 0 ? "none" : Names::kNames[i];
  return names;
}

void WriteOptions(xml::Writer& out, const char* element, std::string_view default_format, const char* list, std::span<const char* const> formats) {
  out.Open(element);
  out.Open("defaultFormat");
  out.Attr("type", default_format);
  out.Close("defaultFormat");
  out.Open("enum");
  out.Attr("name", list);
  out.Verbatim({});
  for (const char* format : formats) out.TextElement("value", format);
  out.Close("enum");
  out.Close(element);
}

}  // namespace

std::string FormatCapabilities() {
  const auto files = FileFormats();
  xml::Writer out;
  out.Open("storagepoolCapabilities");
  for (std::size_t i = 0; i < model::kPoolTypes; ++i) {
    auto type = static_cast<PoolType>(i);
    const model::PoolTraits& traits = model::TraitsOf(type);
    out.Open("pool");
    out.Attr("type", model::ToString(type));
    out.Attr("supported", HasBackend(type) ? "yes" : "no");
    out.Verbatim({});
    if (traits.format_count) {
      WriteOptions(out, "poolOptions", traits.formats[traits.default_format], "sourceFormatType", {traits.formats, traits.format_count});
    }
    bool images = HasBackend(type) && BackendOf(type).formats() == model::VolumeFormats::kImages;
    if (images || type == PoolType::kGluster || type == PoolType::kVstorage) {
      WriteOptions(out, "volOptions", "raw", "targetFormatType", files);
    } else if (type == PoolType::kDisk) {
      WriteOptions(out, "volOptions", "none", "targetFormatType", model::Spelling<model::PartitionFormat>::kNames);
    } else if (type == PoolType::kRbd) {
      WriteOptions(out, "volOptions", "raw", "targetFormatType", {});
    }
    out.Close("pool");
  }
  out.Close("storagepoolCapabilities");
  return out.Take();
}

}  // namespace bv::storage
