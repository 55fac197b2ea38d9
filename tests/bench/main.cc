// Measures our daemons beside the original's in one run and prints a table. Runs inside private namespaces; see run.sh.
//   bench [--quick] --ours DIR [--original DIR] [TOPIC...]      topics: start calls scale guests running logs locks upgrade
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "client.h"
#include "measures.h"

namespace bench {
namespace {

struct Topic {
  const char* name;
  void (*measure)(const Side& side, bool quick, Samples& samples);
};
constexpr Topic kTopics[] = {
    {"start", MeasureStart}, {"calls", MeasureCalls}, {"scale", MeasureScale},
    {"language", MeasureLanguage}, {"guests", MeasureGuests}, {"running", MeasureRunning}, {"logs", MeasureLogs},
    {"locks", MeasureLocks}, {"upgrade", MeasureUpgrade}};

// What ours must reach.
enum class Kind {
  kAtMost,         // the value itself
  kTimesLimit,     // at most so many times the limit
  kPartOfLimit,    // a rate: at least this part of the limit
  kLikeAnother,    // a rate: nearly that of `other`
  kBelowOriginal,
  kNone,
};
struct Target {
  Kind kind;
  double number = 0;
  const char* other = "";
};
struct Row {
  const char* name;
  const char* unit;
  Target target;
};
constexpr Row kRows[] = {
    {"exec to first answer", "ms", {Kind::kAtMost, 10}},
    {"capabilities, cold", "ms", {Kind::kAtMost, 150}},
    {"RSS libvirtd", "MB", {Kind::kAtMost, 8}},
    {"RSS virtlogd", "MB", {Kind::kAtMost, 5}},
    {"RSS virtlockd", "MB", {Kind::kAtMost, 5}},
    {"threads libvirtd", "", {Kind::kAtMost, 1}},
    {"own objects", "MB", {Kind::kAtMost, 5}},
    {"mapped objects", "MB", {Kind::kAtMost, 25}},
    {"calls, 1 client, depth 1", "/s", {Kind::kPartOfLimit, 0.5}},
    {"calls, 20 clients, depth 5", "/s", {Kind::kPartOfLimit, 0.25}},
    {"dumpxml, 8 clients", "/s", {Kind::kPartOfLimit, 0.333}},
    {"calls, 4000 idle clients", "/s", {Kind::kLikeAnother, 0.8, "calls, 1 client, depth 1"}},
    {"RSS with 4000 idle clients", "MB", {Kind::kNone}},
    {"proxied calls, 1 client", "/s", {Kind::kPartOfLimit, 1 / 1.5}},
    {"define one", "ms", {Kind::kBelowOriginal}},
    {"list-all of 5000", "ms", {Kind::kAtMost, 2}},
    {"restart with 5000", "ms", {Kind::kAtMost, 400}},
    {"RSS with 5000 domains", "MB", {Kind::kNone}},
    {"parse 200 lines", "us", {Kind::kAtMost, 60}},
    {"format 200 lines", "us", {Kind::kAtMost, 60}},
    {"define, 200 lines", "ms", {Kind::kBelowOriginal}},
    {"dumpxml, 200 lines", "us", {Kind::kBelowOriginal}},
    {"start a guest", "ms", {Kind::kTimesLimit, 1.2}},
    {"destroy a guest", "ms", {Kind::kTimesLimit, 2}},
    {"20 starts at once", "ms", {Kind::kTimesLimit, 1.3}},
    {"20 destroys at once", "ms", {Kind::kNone}},
    {"stats of a guest", "ms", {Kind::kBelowOriginal}},
    {"stats of 20 guests", "ms", {Kind::kBelowOriginal}},
    {"save a guest", "ms", {Kind::kBelowOriginal}},
    {"restore a guest", "ms", {Kind::kBelowOriginal}},
    {"RSS per running guest", "kB", {Kind::kNone}},
    {"log, 64 KiB writes", "MB/s", {Kind::kPartOfLimit, 0.8}},
    {"log, 80-byte writes", "MB/s", {Kind::kPartOfLimit, 1}},
    {"log, 8 writers", "MB/s", {Kind::kPartOfLimit, 1}},
    {"log, 8 writers, on disk", "MB/s", {Kind::kNone}},  // what the disk does for others counts too
    {"log, 100 writers: least share", "", {Kind::kPartOfLimit, 0.5}},
    {"RSS after 100 writers", "MB", {Kind::kAtMost, 8}},
    {"lock pairs, 1 client", "/s", {Kind::kPartOfLimit, 0.7}},
    {"lock pairs, 8 clients", "/s", {Kind::kPartOfLimit, 0.7}},
    {"longest write, upgrades", "ms", {Kind::kBelowOriginal}},
    {"longest lock, upgrades", "ms", {Kind::kBelowOriginal}},
};

std::string Number(double value) {
  if (value == 0) return "-";
  if (value >= 10000) return fmt::format("{:.0f}", value);
  return value >= 100 ? fmt::format("{:.0f}", value) : value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

// What the target says, and whether `ours` meets it.
std::pair<std::string, bool> Judge(const Row& row, const Sample& ours, const Sample* original, const Samples& all) {
  double n = row.target.number;
  switch (row.target.kind) {
    case Kind::kAtMost: return {fmt::format("<= {:g} {}", n, row.unit), ours.value <= n};
    case Kind::kTimesLimit: return {fmt::format("<= {:g} x limit", n), ours.value <= n * ours.limit};
    case Kind::kPartOfLimit: return {fmt::format(">= {:.2g} of limit", n), ours.value >= n * ours.limit};
    case Kind::kLikeAnother: return {"as with none", all.count(row.target.other) && ours.value >= n * all.at(row.target.other).value};
    case Kind::kBelowOriginal: return {"< original", !original || ours.value < original->value};
    case Kind::kNone: break;
  }
  return {"", true};
}

const Sample* Find(const Samples& samples, const char* name) {
  auto found = samples.find(name);
  return found == samples.end() ? nullptr : &found->second;
}

void PrintTable(const Samples& ours, const Samples& original) {
  static constexpr char kLine[] = "| {:<32} | {:>9} | {:>9} | {:>9} | {:>10} | {:>10} | {:<16} | {:<4} |\n";
  fmt::print("\n");
  fmt::print(kLine, "measure", "ours", "original", "limit", "ours/limit", "orig./ours", "target", "");
  fmt::print("|{0:-<34}|{0:-<11}|{0:-<11}|{0:-<11}|{0:-<12}|{0:-<12}|{0:-<18}|------|\n", "");
  int met = 0, missed = 0;
  for (const Row& row : kRows) {
    const Sample* mine = Find(ours, row.name);
    const Sample* theirs = Find(original, row.name);
    if (!mine && !theirs) continue;
    std::string name = fmt::format("{}{}{}", row.name, *row.unit ? ", " : "", row.unit);
    if (!mine) {
      fmt::print(kLine, name, "-", Number(theirs->value), Number(theirs->limit), "-", "-", "", "");
      continue;
    }
    auto [target, reached] = Judge(row, *mine, theirs, ours);
    if (!target.empty()) (reached ? met : missed)++;
    fmt::print(kLine, name, Number(mine->value), Number(theirs ? theirs->value : 0), Number(mine->limit),
               Number(mine->limit > 0 ? mine->value / mine->limit : 0), Number(theirs ? theirs->value / mine->value : 0), target,
               target.empty() ? "" : reached ? "met" : "MISS");
  }
  fmt::print("\n{} targets met, {} missed\n", met, missed);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Side ours{"ours", ""}, original{"original", ""};
  bool quick = false, failed = false;
  std::vector<std::string> wanted;
  for (int i = 1; i < argc; i++) {
    std::string argument = argv[i];
    if (argument == "--quick") quick = true;
    else if (argument == "--ours" && i + 1 < argc) ours.directory = argv[++i];
    else if (argument == "--original" && i + 1 < argc) original.directory = argv[++i];
    else if (!argument.starts_with("-")) wanted.push_back(argument);
    else return fmt::print(stderr, "bench: unknown option {}\n", argument), 2;
  }
  rlimit files{20000, 20000};
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) fmt::print(stderr, "bench: cannot open 20000 files\n");

  Samples results[2];
  const Side* sides[] = {&ours, &original};
  for (const Topic& topic : kTopics) {
    bool chosen = wanted.empty();
    for (const auto& name : wanted) chosen |= name == topic.name;
    if (!chosen) continue;
    for (int i = 0; i < 2; i++) {
      if (sides[i]->directory.empty()) continue;
      auto begin = Clock::now();
      fmt::print(stderr, "measuring {}: {} ...", topic.name, sides[i]->name);
      try {
        topic.measure(*sides[i], quick, results[i]);
      } catch (const Failure& failure) {
        fmt::print(stderr, " {}\n", failure.what());
        failed = true;
      }
      fmt::print(stderr, " {:.0f} s\n", Since(begin));
    }
  }
  PrintTable(results[0], results[1]);
  if (quick) fmt::print("--quick: few rounds, and 500 domains in place of 5000; good for trying the tools out only.\n");
  return failed ? 1 : 0;
}
