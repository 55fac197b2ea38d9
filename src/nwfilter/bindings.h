#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/nwfilter/binding.h"

namespace bv::nwfilter {

class AddressWatch;

// A binding and what is known about its interface besides.
struct Binding {
  model::FilterBinding def;
  std::vector<std::string> addresses;   // learned from the guest's packets
  std::unique_ptr<AddressWatch> watch;  // while there is something to learn

  Binding();
  ~Binding();
};

// A daemon's bindings by their interface, and their files: INTERFACE.xml (mode 0600) in one directory.
class BindingStore {
 public:
  explicit BindingStore(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // What a daemon before us left; a file that cannot be read is logged and left alone. Blocks.
  static std::vector<model::FilterBinding> ReadFiles(const std::string& directory);
  static void WriteFile(const std::string& directory, const model::FilterBinding& binding);
  static void RemoveFile(const std::string& directory, const std::string& interface);

  // Replaces nothing: the interface must have none.
  Binding& Put(model::FilterBinding binding);
  void Remove(const std::string& interface) { bindings_.erase(interface); }

  Binding* Find(const std::string& interface) const;
  Binding& Get(const std::string& interface) const;  // kNoNwfilterBinding
  const std::map<std::string, std::unique_ptr<Binding>>& all() const { return bindings_; }

 private:
  std::string directory_;
  std::map<std::string, std::unique_ptr<Binding>> bindings_;
};

}  // namespace bv::nwfilter
