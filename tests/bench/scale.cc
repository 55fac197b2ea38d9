// Five thousand defined domains: defining one, listing all, and a restart.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "client.h"
#include "measures.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;
namespace fs = std::filesystem;

// The bytes of a definition, durably in their place: the least that defining can do.
double DurableWrite(const std::string& text) {
  auto begin = Clock::now();
  std::string path = "/etc/libvirt/bench-define", temporary = path + ".new";
  int fd = open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (write(fd, text.data(), text.size()) < 0 || fsync(fd) != 0) Die("cannot write " + temporary);
  close(fd);
  rename(temporary.c_str(), path.c_str());
  return Since(begin);
}

// Reading every definition, and a process that starts and answers.
double ReadAll() {
  auto begin = Clock::now();
  for (const auto& entry : fs::directory_iterator("/etc/libvirt/qemu"))
    if (entry.path().extension() == ".xml") ReadWhole(entry.path());
  Process echo = StartEcho(36);
  Client(kEchoSocket).Exchange(EncodeCall<proc::ConnectGetLibVersion>());
  return Since(begin);
}

}  // namespace

void MeasureScale(const Side& side, bool quick, Samples& samples) {
  const int count = quick ? 500 : 5000;
  EmptyStores(false);
  std::vector<double> define, define_limit, list, list_limit, restart, restart_limit;
  {
    Daemon daemon(side);
    Client client(kSocket);
    client.Open();
    for (int i = 0; i < count; i++) {
      bv::remote::DomainDefineXmlArgs args{GuestXml(fmt::format("bench-{}", i))};
      std::string frame = EncodeCall<proc::DomainDefineXml>(args);
      auto begin = Clock::now();
      client.Exchange(frame);
      if (i < count - count / 10) continue;  // the last tenth counts: the store is full then
      define.push_back(Since(begin));
      define_limit.push_back(DurableWrite(args.xml));
    }
    bv::remote::ConnectListAllDomainsArgs all{1, 0};
    std::string frame = EncodeCall<proc::ConnectListAllDomains>(all);
    size_t reply_size = 28 + client.Exchange(frame).size();
    Process echo = StartEcho(reply_size);
    Client echo_client(kEchoSocket);
    for (int round = 0; round < 21; round++) {
      auto begin = Clock::now();
      echo_client.Exchange(frame);
      list_limit.push_back(Since(begin));
      begin = Clock::now();
      client.Exchange(frame);
      list.push_back(Since(begin));
    }
    samples["RSS with 5000 domains"] = {Measure(daemon.pid()).rss_kb / 1e3, 0};
  }
  for (int round = 0; round < (quick ? 1 : 3); round++) {
    restart_limit.push_back(ReadAll());
    auto begin = Clock::now();
    Daemon daemon(side);
    Client(kSocket).Open();
    restart.push_back(Since(begin));
  }
  samples["define one"] = {Median(define) * 1e3, Median(define_limit) * 1e3};
  samples["list-all of 5000"] = {Median(list) * 1e3, Median(list_limit) * 1e3};
  samples["restart with 5000"] = {Median(restart) * 1e3, Median(restart_limit) * 1e3};
  EmptyStores(false);
}

}  // namespace bench
