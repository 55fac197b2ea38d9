#pragma once

#include <dlfcn.h>

#include <initializer_list>

namespace bv {

// A shared library that only some daemons need, loaded when they do. Never unloaded.
class Library {
 public:
  explicit Library(const char* name) : handle_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

  // Sets `function`; a library or function that is missing makes complete() false.
  template <typename F>
  void Find(const char* name, F& function) {
    function = handle_ ? reinterpret_cast<F>(dlsym(handle_, name)) : nullptr;
    if (!function) complete_ = false;
  }
  bool complete() const { return complete_; }

 private:
  void* handle_;
  bool complete_ = true;
};

}  // namespace bv
