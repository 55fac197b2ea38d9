#include "qemu/bitmaps.h"

#include "qemu/command_line/storage.h"

namespace bv::qemu {
namespace {

Json Action(const char* type, Json data) { return Json::Object({{"type", type}, {"data", std::move(data)}}); }

}  // namespace

Task<NodeBitmaps> QueryBitmaps(Monitor& monitor) {
  auto arguments = Json::Object({{"flat", true}});
  auto nodes = co_await monitor.Execute("query-named-block-nodes", arguments);
  NodeBitmaps all;
  for (auto& node : nodes.elements()) {
    auto bitmaps = node["dirty-bitmaps"];
    for (auto& entry : bitmaps.elements()) {
      DirtyBitmap bitmap;
      bitmap.name = entry["name"].AsString().value_or("");
      bitmap.granularity = entry["granularity"].AsUint().value_or(0);
      bitmap.count = entry["count"].AsUint().value_or(0);
      bitmap.recording = entry["recording"].AsBool().value_or(false);
      bitmap.persistent = entry["persistent"].AsBool().value_or(false);
      bitmap.inconsistent = entry["inconsistent"].AsBool().value_or(false);
      if (!bitmap.name.empty()) all[node.GetString("node-name")].push_back(std::move(bitmap));
    }
  }
  co_return all;
}

const DirtyBitmap* FindBitmap(const NodeBitmaps& all, const std::string& node, const std::string& name) {
  auto found = all.find(node);
  if (found == all.end()) return nullptr;
  for (auto& bitmap : found->second) {
    if (bitmap.name == name) return &bitmap;
  }
  return nullptr;
}

std::string BitmapNode(const model::StorageSource& image) { return NamesOf(image).format; }

std::vector<std::string> NodesWithBitmap(const NodeBitmaps& all, const model::StorageSource& top, const std::string& name) {
  std::vector<std::string> nodes;
  for (auto* image = &top; image && !image->IsTerminator(); image = image->backing.get()) {
    auto node = BitmapNode(*image);
    if (!FindBitmap(all, node, name)) break;
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Json AddBitmap(const std::string& node, const std::string& name, bool persistent, std::uint64_t granularity) {
  auto data = Json::Object({{"node", node}, {"name", name}, {"persistent", persistent}, {"disabled", false}});
  if (granularity) data.Set("granularity", granularity);
  return Action("block-dirty-bitmap-add", std::move(data));
}

Json RemoveBitmap(const std::string& node, const std::string& name) {
  return Action("block-dirty-bitmap-remove", Json::Object({{"node", node}, {"name", name}}));
}

Json MergeBitmaps(const std::string& node, const std::string& name, const std::vector<std::string>& nodes, const std::string& from) {
  auto sources = Json::Array();
  for (auto& source : nodes) sources.Append(Json::Object({{"node", source}, {"name", from}}));
  return Action("block-dirty-bitmap-merge", Json::Object({{"node", node}, {"target", name}, {"bitmaps", std::move(sources)}}));
}

Json Transaction(Json actions) { return Json::Object({{"actions", std::move(actions)}}); }

}  // namespace bv::qemu
