#pragma once

#include <string>
#include <vector>

#include "base/task.h"

namespace bv {

// The administrator's scripts: /etc/libvirt/hooks/NAME and the executable files of /etc/libvirt/hooks/NAME.d, in alphabetical
// order. As the manual has it, those are called that were there when the daemon started.
class Hooks {
 public:
  // "qemu", "network", "daemon". Looks whether there are any, which is once at start-up.
  explicit Hooks(std::string name);

  bool present() const { return present_; }

  // Calls them one after another with these arguments; "-" stands for an empty one. Each gets on standard input what the one
  // before it wrote to its standard output, or got if it wrote nothing; the first one gets `input`. Returns what the last would
  // leave, which is `input` when none wrote anything. All are called even when one fails; the last failure is then thrown,
  // kHookScriptFailed (domain kHook).
  Task<std::string> Run(std::string object, std::string operation, std::string sub_operation, std::string extra, std::string input) const;
  // The same where a failure changes nothing any more: it is logged.
  Task<> Tell(std::string object, std::string operation, std::string sub_operation, std::string extra, std::string input) const;

 private:
  std::vector<std::string> Scripts() const;

  std::string name_;
  bool present_ = false;
};

}  // namespace bv
