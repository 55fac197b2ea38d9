#pragma once

#include <string>

#include "base/task.h"
#include "base/wait.h"

namespace bv {

// The tables of the kernel's packet filter, as iptables, ip6tables and ebtables show it. These are programs and know of no
// daemon's plans, so who looks at a table and then changes it holds the turn meanwhile: one change at a time.
enum class Netfilter : unsigned char { kIpv4, kIpv6, kEthernet };

class NetfilterTables {
 public:
  static Task<AsyncMutex::Lock> Turn();

  // A table (all: empty) in the form of iptables-save: chains as ":NAME POLICY", rules as "-A NAME ...". Nothing
  // where the program is not there.
  static Task<std::string> Save(Netfilter kind, std::string table);

  // Carries out a script for iptables-restore on top of what there is: all of a table's part or nothing. What
  // is refused throws kInternalError from domain kFirewall with what the program said.
  static Task<> Restore(Netfilter kind, std::string script);
};

// A word of a script, in quotes where it needs them. Characters that end a line become blanks.
std::string NetfilterWord(const std::string& text);

}  // namespace bv
