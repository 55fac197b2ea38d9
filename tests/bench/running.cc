// Running guests: their statistics, saving and restoring one, what the daemon keeps of each in memory.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "by_hand.h"
#include "measures.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;

const std::string kSaved = kImages + "/bench.save", kSavedByHand = kImages + "/bench.stream";

std::string Execute(const std::string& command, const std::string& arguments = {}) {
  return "{\"execute\":\"" + command + "\"" + (arguments.empty() ? "" : ",\"arguments\":{" + arguments + "}") + "}";
}

double Timed(const auto& act) {
  auto begin = Clock::now();
  act();
  return Since(begin);
}

const std::string kTellOfMigrations = Execute("migrate-set-capabilities", "\"capabilities\":[{\"capability\":\"events\",\"state\":true}]");

// What statistics of a guest are made of, asked at once.
double AskByHand(Qmp& qmp) {
  std::string all;
  for (const char* command : {"query-blockstats", "query-dirty-rate", "query-stats-schemas"}) all += Execute(command);
  all += Execute("query-named-block-nodes", "\"flat\":true");
  for (const char* target : {"vm", "vcpu"}) all += Execute("query-stats", fmt::format("\"target\":\"{}\"", target));
  all += "{\"execute\":\"query-status\",\"id\":\"asked\"}";
  return Timed([&] {
    qmp.Send(all);
    qmp.Await("\"asked\"");
  });
}

double SaveByHand(ByHand& guest) {
  return Timed([&] {
    int fd = open(kSavedByHand.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
    guest.qmp.Send(Execute("stop") + kTellOfMigrations + Execute("migrate-set-parameters", "\"max-bandwidth\":9223372036854775807"));
    guest.qmp.Send(Execute("getfd", "\"fdname\":\"to\""), fd);
    guest.qmp.Send(Execute("migrate", "\"uri\":\"fd:to\""));
    guest.qmp.Await("\"completed\"");
    close(fd);
    guest.Stop(SIGKILL);
  });
}

double RestoreByHand(const Prepared& prepared) {
  int fd = open(kSavedByHand.c_str(), O_RDONLY);
  auto begin = Clock::now();
  ByHand guest(prepared, {"-incoming", "defer"});
  guest.Connect();
  guest.qmp.Send(kTellOfMigrations);
  guest.qmp.Send(Execute("getfd", "\"fdname\":\"from\""), fd);
  guest.qmp.Send(Execute("migrate-incoming", "\"uri\":\"fd:from\""));
  guest.qmp.Await("\"completed\"");
  guest.Resume();
  double took = Since(begin);
  close(fd);
  return took;
}

}  // namespace

void MeasureRunning(const Side& side, bool quick, Samples& samples) {
  const int many = 20;
  EmptyStores(false);
  Daemon daemon(side);
  Client client(kSocket);
  client.Open();
  std::vector<Prepared> guests;
  for (int i = 0; i < many; i++) guests.push_back(Prepare(client, i));
  bv::remote::DomainCreateArgs create{guests[0].domain};
  bv::remote::DomainDestroyArgs destroy{guests[0].domain};
  bv::remote::DomainSaveArgs save{guests[0].domain, kSaved};
  bv::remote::DomainRestoreArgs restore{kSaved};
  bv::remote::ConnectGetAllDomainStatsArgs stats{{guests[0].domain}, 0, 0};

  std::vector<double> ask, ask_limit, put, put_limit, get, get_limit, all;
  for (int round = 0; round < (quick ? 2 : 5); round++) {
    {
      ByHand limit(guests[0]);
      limit.Connect();
      limit.Resume();
      for (int i = 0; i < 5; i++) ask_limit.push_back(AskByHand(limit.qmp));
      put_limit.push_back(SaveByHand(limit));
    }
    get_limit.push_back(RestoreByHand(guests[0]));
    client.Call<proc::DomainCreate>(create);
    for (int i = 0; i < 5; i++) ask.push_back(Timed([&] { client.Call<proc::ConnectGetAllDomainStats>(stats); }));
    put.push_back(Timed([&] { client.Call<proc::DomainSave>(save); }));
    get.push_back(Timed([&] { client.Call<proc::DomainRestore>(restore); }));
    client.Call<proc::DomainDestroy>(destroy);
  }
  samples["stats of a guest"] = {Median(ask) * 1e3, Median(ask_limit) * 1e3};
  samples["save a guest"] = {Median(put) * 1e3, Median(put_limit) * 1e3};
  samples["restore a guest"] = {Median(get) * 1e3, Median(get_limit) * 1e3};

  double before = Measure(daemon.pid()).rss_kb;
  for (const auto& guest : guests) {
    bv::remote::DomainCreateArgs start{guest.domain};
    client.Call<proc::DomainCreate>(start);
  }
  samples["RSS per running guest"] = {(Measure(daemon.pid()).rss_kb - before) / many, 0};
  stats.doms.clear();
  for (int i = 0; i < (quick ? 3 : 11); i++) all.push_back(Timed([&] { client.Call<proc::ConnectGetAllDomainStats>(stats); }));
  samples["stats of 20 guests"] = {Median(all) * 1e3, 0};
  for (const auto& guest : guests) {
    bv::remote::DomainDestroyArgs end{guest.domain};
    client.Call<proc::DomainDestroy>(end);
  }
}

}  // namespace bench
