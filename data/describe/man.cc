#include <fmt/core.h>

#include "daemon/config_rows.h"
#include "daemon/options.h"
#include "daemon/paths.h"
#include "describe.h"

namespace bv {

namespace {

void AppendOptions(std::string& out, const Personality& personality) {
  out += ".SH OPTIONS\n";
  for (const OptionRow& row : OptionRows()) {
    if (!Offers(personality, row)) continue;
    out += ".TP\n";
    if (row.letter) out += fmt::format("\\fB\\-{}\\fR, ", row.letter);
    out += fmt::format("\\fB\\-\\-{}\\fR", Roff(row.name));
    if (row.value) out += fmt::format(" \\fI{}\\fR", row.value);
    out += fmt::format("\n{}.\n", Roff(row.help));
  }
}

void AppendFiles(std::string& out, const Personality& personality, const char* heading, const std::string& config_dir,
           const std::string& run_dir, const std::string& pid_file, bool readonly_socket) {
  out += fmt::format(".SS {}\n", heading);
  auto item = [&](const std::string& path, const char* what) {
    out += fmt::format(".TP\n.I {}\n{}\n", Roff(path), what);
  };
  item(fmt::format("{}/{}.conf", config_dir, personality.name), "Configuration, unless overridden with \\-f.");
  item(SocketPath(personality, run_dir, "-sock"), "Socket for clients.");
  if (readonly_socket) item(SocketPath(personality, run_dir, "-sock-ro"), "Socket for clients that only look.");
  item(SocketPath(personality, run_dir, "-admin-sock"), "Socket for virt\\-admin(1).");
  item(pid_file, "Process number, unless overridden with \\-p.");
}

void AppendKeys(std::string& out, const Personality& personality) {
  out += ".SH CONFIGURATION\nThe file holds lines of the form \\fIkey\\fR = \\fIvalue\\fR: integers, \\(dqstrings\\(dq and "
         "lists [ \\(dqone\\(dq, \\(dqtwo\\(dq ].\n";
  for (const ConfigRow& row : ConfigRows()) {
    if (!HasKey(personality, row)) continue;
    if (row.key.empty()) {
      out += fmt::format(".SS {}\n", Roff(row.help));
      continue;
    }
    out += fmt::format(".TP\n.B {}\n{}", row.key, Roff(row.help));
    if (!row.default_text.empty()) out += fmt::format("\nDefault: {}.", Roff(row.default_text));
    out += '\n';
  }
}

// What an administrator must know before he ends a daemon that holds things for running guests.
const char* WhenItEnds(const Personality& personality) {
  switch (personality.kind) {
    case ServerKind::kLog:
      return "After an orderly end all that guests had written by then is in their files. After a SIGKILL what was in\n"
             "the pipes is lost. Either way guests run on, what they write from then on fails (EPIPE) and goes nowhere,\n"
             "and another virtlogd does not take their logs up again before they are restarted.\n"
             ".PP\nOn a full disk output is dropped, never waited for. The log of the daemon itself says when that begins\n"
             "and, once the file can be written again, how many bytes have been lost.\n"
             ".PP\nA log whose file does not answer, because its server is gone, makes its guest wait and nobody else. Calls\n"
             "about it fail after 10 seconds, an orderly end gives up on it after 3 seconds, and SIGUSR1 is refused.\n";
    case ServerKind::kLock:
      return "Leases are locks of the kernel (on the first byte of the disk, or of a file in a lockspace) and end with\n"
             "the process that holds them. After a SIGKILL, a crash or an ordinary end every lease is free at once, and\n"
             "other guests, also on other hosts, may take the disks; guests are not ended, and run on unprotected until\n"
             "they are paused and resumed or started anew. The next virtlockd knows nothing of leases from before.\n"
             ".PP\nA process of a guest whose own connection to virtlockd ends while it has leases gets SIGTERM, and\n"
             "SIGKILL 1.6 seconds later. Leases that libvirtd took for it stay when only libvirtd goes.\n"
             ".PP\nWhere the file of a lease does not answer, because its server is gone, calls about that lease fail after\n"
             "10 seconds and all others are served. What was asked for is done when the server is back, but nobody who has\n"
             "gone or given up gets the lease. Until then SIGUSR1 is refused, and the log says which file it is; an orderly\n"
             "end does not wait.\n";
    default: return nullptr;
  }
}

}  // namespace

std::string Roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '-' || c == '\\') out += '\\';
    out += c == '\\' ? 'e' : c;
    line_start = c == '\n';
  }
  return out;
}

std::string ManPage(const Personality& personality) {
  std::string name(personality.name);
  std::string out = fmt::format(".TH {} 8 \"\" \"busyvirt\" \"Virtualization Support\"\n", name);
  out += fmt::format(".SH NAME\n{} \\- libvirt {} daemon\n", name, Roff(personality.about));
  out += fmt::format(".SH SYNOPSIS\n.B {}\n[\\fIOPTION\\fR]...\n", name);
  out += fmt::format(".SH DESCRIPTION\n{} manages {}.\n", name, Roff(personality.manages));
  out += "It is one of the daemons that the busyvirt executable can be, and stands in for libvirt's of the same name:\n"
         "same sockets, protocol, configuration and files.\n.PP\n"
         "Where systemd opens its sockets it starts on the first connection, and the keys about sockets have no\n"
         "effect; elsewhere it makes the sockets itself.\n";
  if (personality.ServesRemote()) out += "Guests go on while it is restarted.\n";
  AppendOptions(out, personality);
  out += ".SH SIGNALS\nSIGTERM, SIGINT and SIGQUIT end it in good order. ";
  out += personality.ServesRemote()
             ? "SIGHUP makes it look at the definitions on disk again: what is new or has changed there comes in, for the next "
               "start of guests that run, and what has gone from there stays.\n"
             : "SIGHUP is ignored.\n";
  out += ".PP\nSIGUSR1 upgrades it in place: it executes the file that it was started by, and what that is by then "
         "goes on with its sockets, its clients and all that it holds. Calls that run end first, for at most a second of "
         "which others have to wait at a time; streams get 30 seconds and are then aborted, and connections with TLS or SASL "
         "encryption are closed. A new file that cannot go on is not used, and one that does not serve within 30 seconds "
         "gives way to the old one: the daemon stays as it was.\n";
  if (const char* text = WhenItEnds(personality)) out += fmt::format(".SH WHEN IT ENDS\n{}", text);
  out += ".SH FILES\n";
  AppendFiles(out, personality, "As root", BV_SYSCONFDIR "/libvirt", BV_RUNSTATEDIR "/libvirt",
        fmt::format("{}/{}.pid", BV_RUNSTATEDIR, name), personality.ServesRemote());
  if (personality.session) {
    AppendFiles(out, personality, "As another user", "$XDG_CONFIG_HOME/libvirt", "$XDG_RUNTIME_DIR/libvirt",
          fmt::format("$XDG_RUNTIME_DIR/libvirt/{}.pid", name), false);
    out += ".PP\nWithout XDG_CONFIG_HOME, ~/.config stands for it; without XDG_RUNTIME_DIR,\n"
           "$XDG_CACHE_HOME or ~/.cache.\n";
  } else {
    out += ".PP\nIt has no session mode: only root can run it.\n";
  }
  AppendKeys(out, personality);
  out += ".SH EXIT STATUS\n0 after an orderly end; 1 for a wrong command line or configuration, or when another daemon\n"
         "holds the process file; 2 to 11 when a later stage of the start failed.\n";
  out += ".SH SEE ALSO\nvirsh(1), virt\\-admin(1)\n";
  return out;
}

}  // namespace bv
