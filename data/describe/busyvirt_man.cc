#include <fmt/core.h>

#include "describe.h"
#include "helpers.h"

namespace bv {

std::string BusyvirtManPage() {
  std::string out = ".TH busyvirt 8 \"\" \"busyvirt\" \"Virtualization Support\"\n";
  out += ".SH NAME\nbusyvirt \\- every libvirt daemon in one executable\n";
  out += ".SH SYNOPSIS\n.B busyvirt\n\\fINAME\\fR [\\fIARGUMENT\\fR]...\n.br\n.B busyvirt \\-\\-list\n.br\n"
         ".B busyvirt \\-\\-install\n[\\fB\\-s\\fR] \\fIDIRECTORY\\fR\n.br\n.B busyvirt \\-\\-version\n";
  out += ".SH DESCRIPTION\nStarted by the name of a daemon it is that daemon; started by its own, its first argument says what it "
         "is.\n\\-\\-list prints the daemons' names, \\-\\-install makes links with them in a directory (\\-s: symbolic ones).\n";
  out += ".SS Daemons\n";
  for (const Personality& personality : Personalities()) {
    out += fmt::format(".TP\n.B {}\nManages {}.\n", personality.name, Roff(personality.manages));
  }
  out += ".SS Other names\n";
  for (const Helper& helper : Helpers()) out += fmt::format(".TP\n.B {}\n{}.\n", Roff(helper.name), Roff(helper.about));
  out += ".PP\nEach has a page of its own, or prints what it can do with \\-\\-help.\n";
  out += ".SH SWITCHING\n\\fBbusyvirt switch modular\\fR goes from libvirtd to a daemon for each driver, with virtproxyd where "
         "libvirtd\nwas; \\fBbusyvirt switch monolithic\\fR is the way back. Guests go on. The steps are systemctl's, and are "
         "printed;\n\\-\\-dry\\-run only prints them. When one fails, all is put back as it was, and the exit status is 1.\n"
         "\\fBbusyvirt switch status\\fR prints modular, monolithic, both, or none (with exit status 1).\n";
  out += ".SH WITHOUT SYSTEMD\n\\fBbusyvirt supervise\\fR does for daemons what systemd does: it opens their sockets, starts each on "
         "its first\nconnection, starts those again that crash, after a pause that grows, and ends them in order when it gets "
         "SIGTERM.\nIt may be process 1 of a container.\n";
  out += ".SH SEE ALSO\nlibvirtd(8), virtqemud(8), libvirt\\-guests(8)\n";
  return out;
}

}  // namespace bv
