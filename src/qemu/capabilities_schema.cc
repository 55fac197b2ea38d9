#include "qemu/capabilities_schema.h"

namespace bv::qemu {

namespace {

// The element of `list` whose member `key` is `value`; for lists of plain strings the string itself.
Json FindIn(const Json& list, const char* key, std::string_view value) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json element = list.at(i);
    Json name = element.is_object() ? element.Find(key) : element;
    if (name.AsString() == value) return element;
  }
  return {};
}

}  // namespace

QmpSchema::QmpSchema(const Json& schema) {
  for (std::size_t i = 0; i < schema.size(); ++i) {
    Json entity = schema.at(i);
    if (auto name = entity.Find("name").AsString()) entities_.emplace(std::move(*name), entity);
  }
}

Json QmpSchema::Entity(const std::string& name) const {
  auto found = entities_.find(name);
  return found == entities_.end() ? Json() : found->second;
}

Json QmpSchema::EntityBehindArrays(std::string name) const {
  for (;;) {
    Json entity = Entity(name);
    if (entity.Find("meta-type").AsString() != "array") return entity;
    name = entity.Find("element-type").AsString().value_or("");
  }
}

bool QmpSchema::Has(std::string_view path) const {
  auto next_segment = [&path] {
    std::size_t end = std::min(path.find('/'), path.size());
    std::string segment(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    return segment;
  };
  Json entity = Entity(next_segment());
  while (entity && !path.empty()) {
    std::string segment = next_segment();
    std::string_view name = segment;
    Json next;
    switch (name.front()) {
      case '^':
        return static_cast<bool>(FindIn(entity.Find("values"), "name", name.substr(1)));
      case '$':
        return static_cast<bool>(FindIn(entity.Find("features"), "name", name.substr(1)));
      case '+':
        next = FindIn(entity.Find("variants"), "case", name.substr(1)).Find("type");
        break;
      default:
        next = segment == "arg-type" || segment == "ret-type" ? entity.Find(segment.c_str())
                                                              : FindIn(entity.Find("members"), "name", name).Find("type");
    }
    entity = EntityBehindArrays(next.AsString().value_or(""));
  }
  return static_cast<bool>(entity);
}

}  // namespace bv::qemu
