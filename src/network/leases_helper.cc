// What dnsmasq runs for every change of a lease (--dhcp-script), and once when it starts: since it keeps no file of
// its own (--leasefile-ro), it asks then what it gave out before, and reads the answer in its own format.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "network/leases.h"

namespace bv::network {

namespace {

constexpr char kDirectory[] = "/var/lib/libvirt/dnsmasq/";
constexpr char kLock[] = "/run/leaseshelper.pid";

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value ? value : "";
}

// The bridge whose leases these are; empty when nobody says.
std::string Bridge() {
  std::string interface = Environment("DNSMASQ_INTERFACE");
  return interface.empty() ? Environment("VIR_BRIDGE_NAME") : interface;
}

Lease MakeLease(const char* mac, const char* ip, const char* hostname) {
  Lease lease;
  lease.ip = ip;
  lease.iaid = Environment("DNSMASQ_IAID");
  // Of IPv6 clients the first argument is their identifier.
  bool v6 = lease.ip.find(':') != lease.ip.npos;
  lease.client_id = v6 ? mac : Environment("DNSMASQ_CLIENT_ID");
  lease.mac = v6 ? Environment("DNSMASQ_MAC") : mac;
  lease.hostname = hostname ? hostname : Environment("DNSMASQ_SUPPLIED_HOSTNAME");
  lease.server_duid = Environment("DNSMASQ_SERVER_DUID");
  std::string expires = Environment("DNSMASQ_LEASE_EXPIRES"), remaining = Environment("DNSMASQ_TIME_REMAINING");
  if (!expires.empty()) lease.expiry = std::strtoll(expires.c_str(), nullptr, 10);
  else if (!remaining.empty()) lease.expiry = time(nullptr) + std::strtoll(remaining.c_str(), nullptr, 10);
  return lease;
}

void PrintAll(const std::vector<Lease>& leases) {
  auto star = [](const std::string& text) { return text.empty() ? std::string("*") : text; };
  std::string duid;
  for (const Lease& lease : leases) {
    if (lease.iaid.empty()) fmt::print("{} {} {} {} {}\n", lease.expiry, star(lease.mac), lease.ip, star(lease.hostname), star(lease.client_id));
    if (!lease.server_duid.empty()) duid = lease.server_duid;
  }
  if (duid.empty()) return;
  fmt::print("duid {}\n", duid);
  for (const Lease& lease : leases) {
    if (!lease.iaid.empty()) fmt::print("{} {} {} {} {}\n", lease.expiry, lease.iaid, lease.ip, star(lease.hostname), star(lease.client_id));
  }
}

void Run(int argc, char** argv) {
  std::string action = argc > 1 ? argv[1] : "";
  std::string bridge = Bridge();
  if (bridge.empty() || bridge.find('/') != bridge.npos) return;
  // Actions that are none of ours (arp-add, tftp) are no mistake.
  bool change = action == "add" || action == "old" || action == "del";
  if (!change && action != "init") return;
  if (change && argc < 4) throw Error(ErrorDomain::kNetwork, ErrorCode::kInvalidArg, action + " needs an address");

  Fd lock(open(kLock, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock) flock(lock.get(), LOCK_EX);
  std::string path = kDirectory + bridge + ".status";
  auto leases = ReadLeases(path);
  if (action == "init") return PrintAll(leases);
  Lease lease = MakeLease(argv[2], argv[3], argc > 4 ? argv[4] : nullptr);
  // One that is heard of again at a start is known already, with more than is told now.
  bool known = false;
  for (const Lease& one : leases) known |= one.ip == lease.ip;
  if (action == "old" && known && Environment("DNSMASQ_INTERFACE").empty()) return;
  std::erase_if(leases, [&](auto& one) { return one.ip == lease.ip; });
  if (action != "del") leases.push_back(std::move(lease));
  WriteFileAtomic(path, FormatLeases(leases), 0644);
}

}  // namespace

int LeasesHelperMain(int argc, char** argv) {
  if (argc < 2 || !std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h")) {
    fmt::print(argc < 2 ? stderr : stdout,
               "usage: libvirt_leaseshelper add|old|del MAC|CLIENTID IP [HOSTNAME]\n"
               "       libvirt_leaseshelper init\n\n"
               "Keeps the leases that dnsmasq gives out on a virtual network; dnsmasq runs it.\n");
    return argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  if (!std::strcmp(argv[1], "--version") || !std::strcmp(argv[1], "-v")) return fmt::print("libvirt_leaseshelper {}\n", BV_VERSION), EXIT_SUCCESS;
  try {
    Run(argc, argv);
    return EXIT_SUCCESS;
  } catch (const Error& error) {
    fmt::print(stderr, "libvirt_leaseshelper: {}\n", error.message);
    return EXIT_FAILURE;
  }
}

}  // namespace bv::network
