#include "host/bandwidth.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/command.h"
#include "base/error.h"
#include "base/text.h"

namespace bv::host {

namespace {

using Limit = std::optional<model::BandwidthRate>;

Task<CommandResult> Tc(std::string arguments) {
  Command command;
  command.argv = {"tc"};
  for (std::string_view word : Words(arguments)) command.argv.emplace_back(word);
  co_return co_await Run(std::move(command), {}, Clock::now() + std::chrono::seconds(30));
}

Task<> TcOrThrow(std::string arguments) {
  auto result = co_await Tc(arguments);
  if (result.ok()) co_return;
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Child process (tc " + arguments + ") " + result.Describe() + ": " + result.errors);
}

// Bytes that a class may send in its turn, in packets: a faster one more, so that it is looked at less often.
std::uint64_t Quantum(std::uint64_t average) {
  constexpr std::uint64_t kPacket = 1500;
  return std::max<std::uint64_t>(average * 1024 / 8 / kPacket, 1);
}

std::string Rate(const model::BandwidthRate& rate) {
  std::string text = fmt::format("htb rate {}kbps", rate.average);
  if (rate.peak) text += fmt::format(" ceil {}kbps", rate.peak);
  if (rate.burst) text += fmt::format(" burst {}kb", rate.burst);
  return text;
}

// What leaves the host by the interface. With classes 1:2 is for those that have no guarantee.
Task<> LimitSent(std::string interface, model::BandwidthRate rate, bool classes) {
  const char* leaf = classes ? "1:2" : "1:1";
  co_await TcOrThrow(fmt::format("qdisc add dev {} root handle 1: htb default {}", interface, classes ? 2 : 1));
  if (classes) co_await TcOrThrow("class add dev " + interface + " parent 1: classid 1:1 " + Rate(rate));
  co_await TcOrThrow(fmt::format("class add dev {} parent {} classid {} {} quantum {}", interface, classes ? "1:1" : "1:", leaf, Rate(rate),
                                 Quantum(rate.average)));
  co_await TcOrThrow(fmt::format("qdisc add dev {} parent {} handle 2: sfq perturb 10", interface, leaf));
  co_await TcOrThrow("filter add dev " + interface + " parent 1:0 protocol all prio 1 handle 1 fw flowid 1");
}

// What the host gets by it: only thrown away, so a burst of a second is let through.
Task<> LimitReceived(std::string interface, model::BandwidthRate rate) {
  std::uint64_t burst = rate.burst ? rate.burst : rate.average;
  co_await TcOrThrow("qdisc add dev " + interface + " ingress");
  co_await TcOrThrow(fmt::format(
      "filter add dev {} parent ffff: protocol all u32 match u32 0 0 police rate {}kbps burst {}kb mtu 64kb drop flowid :1", interface,
      rate.average, burst));
}

bool Limits(const Limit& limit) { return limit && limit->average; }

}  // namespace

Task<> Unshape(std::string interface) {
  co_await Tc("qdisc del dev " + interface + " root");
  co_await Tc("qdisc del dev " + interface + " ingress");
}

Task<> ShapeBridge(std::string bridge, model::Bandwidth bandwidth) {
  co_await Unshape(bridge);
  if (Limits(bandwidth.in)) co_await LimitSent(bridge, *bandwidth.in, true);
  if (Limits(bandwidth.out)) co_await LimitReceived(bridge, *bandwidth.out);
}

Task<> ShapeInterface(std::string interface, model::Bandwidth bandwidth, HostEnd end) {
  const Limit& sent = end == HostEnd::kFacesGuest ? bandwidth.in : bandwidth.out;
  const Limit& received = end == HostEnd::kFacesGuest ? bandwidth.out : bandwidth.in;
  co_await Unshape(interface);
  if (Limits(sent)) co_await LimitSent(interface, *sent, false);
  if (Limits(received)) co_await LimitReceived(interface, *received);
  // Where there is none of that kind the kernel's own default stays.
  if (!Limits(sent)) co_await Tc("qdisc add dev " + interface + " root handle 0: noqueue");
}

}  // namespace bv::host
