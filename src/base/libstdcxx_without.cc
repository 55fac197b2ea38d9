// What this program has libstdc++ without: the demangler, which only names an exception that nobody caught. As
// libxml2_without.cc, whose beginning says how that works.
#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace __gnu_cxx {

// The handler that std::terminate() calls.
void __verbose_terminate_handler() {
  if (std::type_info* type = abi::__cxa_current_exception_type()) {
    std::fprintf(stderr, "uncaught exception of type %s", type->name());
    try {
      throw;
    } catch (const std::exception& exception) {
      std::fprintf(stderr, ": %s\n", exception.what());
    } catch (...) {
      std::fputc('\n', stderr);
    }
  }
  std::abort();
}

}  // namespace __gnu_cxx
