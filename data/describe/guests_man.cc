#include <fmt/core.h>

#include "helpers.h"
#include "describe.h"
#include "libvirt_guests/settings.h"

namespace bv {

std::string GuestsManPage() {
  std::string out = ".TH libvirt\\-guests 8 \"\" \"busyvirt\" \"Virtualization Support\"\n";
  out += ".SH NAME\nlibvirt\\-guests \\- what becomes of guests at the host's start and end\n";
  out += ".SH SYNOPSIS\n.B libvirt\\-guests\n\\fICOMMAND\\fR\n";
  out += ".SH DESCRIPTION\nWhen the host ends, it suspends the guests that run to disk or shuts them down, and remembers\n"
         "which they were; when the host starts, it starts them again if it is asked to. Under systemd the unit\n"
         "libvirt\\-guests.service calls it with start and stop; it is one of the names of the busyvirt executable, and\n"
         "talks to the daemons by their sockets. Connections to other hosts are left out.\n";
  out += ".SH COMMANDS\n";
  for (const GuestsCommand& command : GuestsCommands()) {
    out += fmt::format(".TP\n.B {}\n{}\n", Roff(command.name), Roff(command.about));
  }
  out += ".SH SETTINGS\nThe files hold assignments as a shell would read them. Of a setting that stands in both, the second "
         "file's value holds.\n";
  for (const GuestsSettingRow& row : GuestsSettingRows()) {
    out += fmt::format(".TP\n.B {}\n{}\nDefault: {}.\n", row.name, Roff(row.help), Roff(row.default_value));
  }
  out += fmt::format(".SH FILES\n.TP\n.I {}\n.TQ\n.I {}\nThe settings.\n", Roff(BV_SYSCONFDIR "/sysconfig/libvirt-guests"),
                     Roff(BV_SYSCONFDIR "/default/libvirt-guests"));
  out += fmt::format(".TP\n.I {}\nThe guests that ran at the last stop: a line a connection, its URI and their UUIDs. There from "
                     "a stop\nto the next start; while it is there, a stop does nothing.\n",
                     Roff(BV_LOCALSTATEDIR "/lib/libvirt/libvirt-guests"));
  out += ".SH EXIT STATUS\n0 when all went well; 1 when a guest or a daemon did not do as asked; 2 for a wrong command; 3 from "
         "status\nwhen it is stopped; 6 when SHUTDOWN_TIMEOUT is less than 0.\n";
  out += ".SH SEE ALSO\nlibvirtd(8), virtqemud(8), virsh(1)\n";
  return out;
}

}  // namespace bv
