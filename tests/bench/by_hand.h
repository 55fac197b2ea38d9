#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "daemon.h"

// QEMU without a daemon: the command line that a daemon uses, executed by hand, is the least that a guest's life can take.
namespace bench {

// A defined guest, and how to run it by hand.
struct Prepared {
  bv::remote::NonnullDomain domain;
  std::vector<std::string> by_hand;  // QEMU's arguments
  std::string monitor;               // where its QMP listens then
};
// Defines guest `number` with a disk of its own, and learns its arguments from one start of it.
Prepared Prepare(Client& client, int number);
std::string GuestName(int number);

// What a guest is told and asked, as text; a copy of `fd` goes with it.
class Qmp {
 public:
  void Connect(const std::string& path, Process& process);
  void Send(const std::string& text, int fd = -1);
  // Reads until `marker` has come.
  void Await(const std::string& marker);

 private:
  Client socket_;
  std::string input_;
};

class ByHand {
 public:
  explicit ByHand(const Prepared& guest, const std::vector<std::string>& more = {});
  // Waits for the monitor; sends what lets the guest run; waits until it does.
  void Connect();
  void Ask();
  void AwaitRunning() { qmp.Await("\"end\""); }
  void Resume() {
    Ask();
    AwaitRunning();
  }
  void Stop(int signo = 15) { process_.Stop(signo); }

  Qmp qmp;

 private:
  std::string monitor_path_;
  Process process_;
};

}  // namespace bench
