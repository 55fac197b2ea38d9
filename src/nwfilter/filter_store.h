#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/nwfilter/filter.h"

namespace bv::nwfilter {

using FilterPtr = std::shared_ptr<const model::FilterDef>;

// A daemon's filters by name, and their files: NAME.xml (mode 0600) in one directory. Errors have domain kNwfilter.
class FilterStore {
 public:
  explicit FilterStore(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // What is on disk; a file that cannot be read is logged and left alone. A filter without a UUID gets one
  // in its file, so that it keeps it. Blocks.
  static std::vector<FilterPtr> ReadFiles(const std::string& directory);
  static void WriteFile(const std::string& directory, const model::FilterDef& filter);
  static void RemoveFile(const std::string& directory, const std::string& name);

  // Throws kOperationFailed where the name or the UUID belong to another filter, or the filter would refer to
  // itself, by others too.
  void CheckDefinition(const model::FilterDef& filter) const;

  void Put(FilterPtr filter) { filters_[filter->name] = std::move(filter); }
  void Remove(const std::string& name) { filters_.erase(name); }

  const model::FilterDef* Find(const std::string& name) const;
  const model::FilterDef* Find(const Uuid& uuid) const;
  const model::FilterDef& Get(const std::string& name) const;  // kNoNwfilter
  const model::FilterDef& Get(const Uuid& uuid) const;         // kNoNwfilter
  const std::map<std::string, FilterPtr>& all() const { return filters_; }

  // Whether `from` is `target` or refers to it, by others too.
  bool Reaches(const std::string& from, const std::string& target) const;

 private:
  std::string directory_;
  std::map<std::string, FilterPtr> filters_;
};

}  // namespace bv::nwfilter
