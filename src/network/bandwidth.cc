#include "network/bandwidth.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/command.h"
#include "base/error.h"
#include "base/text.h"

namespace bv::network {

namespace {

Task<CommandResult> Tc(std::string arguments) {
  Command command;
  command.argv = {"tc"};
  for (std::string_view word : Words(arguments)) command.argv.emplace_back(word);
  co_return co_await Run(std::move(command), {}, Clock::now() + std::chrono::seconds(30));
}

Task<> TcOrThrow(std::string arguments) {
  auto result = co_await Tc(arguments);
  if (result.ok()) co_return;
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
              "Child process (tc " + arguments + ") " + result.Describe() + ": " + result.errors);
}

// Bytes that a class may send in its turn: more for faster ones, within what tc thinks sane.
std::uint64_t Quantum(std::uint64_t average) { return std::clamp<std::uint64_t>(average * 1024 / 10, 1500, 60000); }

std::string Rate(const model::BandwidthRate& rate) {
  std::string text = fmt::format("htb rate {}kbps", rate.average);
  if (rate.peak) text += fmt::format(" ceil {}kbps", rate.peak);
  if (rate.burst) text += fmt::format(" burst {}kb", rate.burst);
  return text;
}

}  // namespace

Task<> ShapeBridge(std::string bridge, model::Bandwidth bandwidth) {
  co_await UnshapeBridge(bridge);
  // What comes in for the guests goes out of the bridge, by classes: 1:2 is of those that have no guarantee.
  if (bandwidth.in && bandwidth.in->average) {
    co_await TcOrThrow("qdisc add dev " + bridge + " root handle 1: htb default 2");
    co_await TcOrThrow("class add dev " + bridge + " parent 1: classid 1:1 " + Rate(*bandwidth.in));
    co_await TcOrThrow(fmt::format("class add dev {} parent 1:1 classid 1:2 {} quantum {}", bridge, Rate(*bandwidth.in), Quantum(bandwidth.in->average)));
    co_await TcOrThrow("qdisc add dev " + bridge + " parent 1:2 handle 2: sfq perturb 10");
    co_await TcOrThrow("filter add dev " + bridge + " parent 1:0 protocol all prio 1 handle 1 fw flowid 1");
  }
  if (bandwidth.out && bandwidth.out->average) {
    std::uint64_t burst = bandwidth.out->burst ? bandwidth.out->burst : bandwidth.out->average;
    co_await TcOrThrow("qdisc add dev " + bridge + " ingress");
    co_await TcOrThrow(fmt::format(
        "filter add dev {} parent ffff: protocol all u32 match u32 0 0 police rate {}kbps burst {}kb mtu 64kb drop flowid :1", bridge,
        bandwidth.out->average, burst));
  }
}

Task<> UnshapeBridge(std::string bridge) {
  co_await Tc("qdisc del dev " + bridge + " root");
  co_await Tc("qdisc del dev " + bridge + " ingress");
}

}  // namespace bv::network
