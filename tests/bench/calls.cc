// Calls per second: one client and many, one call at a time and several, with and without thousands of idle connections.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cstring>
#include <list>

#include "client.h"
#include "measures.h"

namespace bench {
namespace {

using bv::remote::NonnullDomain;
namespace proc = bv::remote::proc;

// Counts whole frames in what comes from a socket, whose contents nobody wants.
class FrameCounter {
 public:
  // Reads once; the number of frames that ended in it.
  size_t Read(int fd) {
    static char buffer[262144];
    ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0) Die("a measured connection was lost");
    size_t frames = 0;
    for (size_t at = 0; at < static_cast<size_t>(n);) {
      if (left_ == 0) {
        while (have_ < 4 && at < static_cast<size_t>(n)) length_[have_++] = buffer[at++];
        if (have_ < 4) break;
        uint32_t size;
        memcpy(&size, length_, 4);
        left_ = ntohl(size) - 4;
        have_ = 0;
      }
      size_t taken = std::min(left_, static_cast<size_t>(n) - at);
      at += taken;
      left_ -= taken;
      frames += left_ == 0;
    }
    return frames;
  }

 private:
  char length_[4];
  size_t have_ = 0, left_ = 0;
};

// Calls per second when each of `clients` keeps `depth` calls under way for `seconds`.
double Rate(std::vector<Client>& clients, const std::string& frame, int depth, double seconds) {
  std::string window;
  for (int i = 0; i < depth; i++) window += frame;
  std::vector<FrameCounter> counters(clients.size());
  int poller = epoll_create1(0);
  for (size_t i = 0; i < clients.size(); i++) {
    epoll_event event{EPOLLIN, {.u64 = i}};
    epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd(), &event);
    clients[i].Send(window);
  }
  size_t done = 0;
  auto begin = Clock::now();
  double elapsed = 0;
  size_t outstanding = clients.size() * depth;
  while (outstanding > 0) {
    epoll_event events[64];
    int n = epoll_wait(poller, events, 64, 5000);
    if (n == 0) Die("no answer for 5 s");
    for (int i = 0; i < n; i++) {
      size_t which = events[i].data.u64;
      size_t frames = counters[which].Read(clients[which].fd());
      outstanding -= frames;
      if (elapsed != 0) continue;
      done += frames;
      std::string_view more(window.data(), frames * frame.size());
      clients[which].Send(more);
      outstanding += frames;
    }
    if (elapsed == 0 && Since(begin) >= seconds) elapsed = Since(begin);
  }
  close(poller);
  return done / elapsed;
}

std::vector<Client> Connect(const std::string& socket, int count, bool open) {
  std::vector<Client> clients;
  for (int i = 0; i < count; i++) {
    clients.emplace_back(socket);
    if (open) clients.back().Open();
  }
  return clients;
}

struct Load {
  std::string name;
  std::string frame;
  size_t reply_size;  // whole frames
  int clients, depth;
};

Sample RunLoad(const Load& load, int rounds, double seconds, int idle) {
  std::vector<double> rates, limits;
  auto idlers = Connect(kSocket, idle, true);
  auto clients = Connect(kSocket, load.clients, true);
  for (int round = 0; round < rounds; round++) {
    {
      Process echo = StartEcho(load.reply_size);
      auto echo_idlers = Connect(kEchoSocket, idle, false);
      auto echo_clients = Connect(kEchoSocket, load.clients, false);
      limits.push_back(Rate(echo_clients, load.frame, load.depth, seconds));
    }
    rates.push_back(Rate(clients, load.frame, load.depth, seconds));
  }
  return {Median(rates), Median(limits)};
}

// A call through virtproxyd to virtqemud, beside an echo behind a relay.
void MeasureProxy(const Side& side, int rounds, double seconds, Samples& samples) {
  if (access((side.directory + "/virtproxyd").c_str(), X_OK) != 0) return;
  Daemon backend(side, "virtqemud", "/run/libvirt/virtqemud-sock");
  Daemon proxy(side, "virtproxyd", kSocket);
  std::string version = EncodeCall<proc::ConnectGetLibVersion>();
  std::vector<double> rates, limits;
  auto clients = Connect(kSocket, 1, true);
  for (int round = 0; round < rounds; round++) {
    {
      Process echo = StartEcho(36);
      Process relay = StartRelay();
      auto relayed = Connect(kRelaySocket, 1, false);
      limits.push_back(Rate(relayed, version, 1, seconds));
    }
    rates.push_back(Rate(clients, version, 1, seconds));
  }
  samples["proxied calls, 1 client"] = {Median(rates), Median(limits)};
}

void MeasureDirect(const Side& side, bool quick, Samples& samples) {
  EmptyStores(false);
  Daemon daemon(side);
  Client client(kSocket);
  client.Open();
  bv::remote::DomainDefineXmlArgs define{GuestXml("bench")};
  NonnullDomain domain = client.Call<proc::DomainDefineXml>(define).dom;
  bv::remote::DomainGetXmlDescArgs dump{domain, 0};
  size_t dump_size = 28 + client.Exchange(EncodeCall<proc::DomainGetXmlDesc>(dump)).size();

  std::string version = EncodeCall<proc::ConnectGetLibVersion>();
  int rounds = quick ? 2 : 5;
  double seconds = quick ? 0.3 : 1;
  const Load loads[] = {
      {"calls, 1 client, depth 1", version, 36, 1, 1},
      {"calls, 20 clients, depth 5", version, 36, 20, 5},
      {"dumpxml, 8 clients", EncodeCall<proc::DomainGetXmlDesc>(dump), dump_size, 8, 1},
  };
  for (const Load& load : loads) samples[load.name] = RunLoad(load, rounds, seconds, 0);
  samples["calls, 4000 idle clients"] = RunLoad({"", version, 36, 1, 1}, quick ? 1 : 3, seconds, 4000);
  samples["RSS with 4000 idle clients"] = {Measure(daemon.pid()).rss_kb / 1e3, 0};
}

}  // namespace

void MeasureCalls(const Side& side, bool quick, Samples& samples) {
  MeasureDirect(side, quick, samples);
  MeasureProxy(side, quick ? 2 : 5, quick ? 0.3 : 1, samples);
}

}  // namespace bench
