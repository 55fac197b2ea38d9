// Starting and ending real guests, beside the same QEMU command line executed by hand.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "by_hand.h"
#include "measures.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;

struct Times {
  double start, destroy;
};
Times TimeByHand(const std::vector<Prepared>& guests) {
  auto begin = Clock::now();
  std::vector<std::unique_ptr<ByHand>> running;
  for (const auto& guest : guests) running.push_back(std::make_unique<ByHand>(guest));
  for (auto& guest : running) {
    guest->Connect();
    guest->Ask();
  }
  for (auto& guest : running) guest->AwaitRunning();
  double start = Since(begin);
  begin = Clock::now();
  for (auto& guest : running) guest->Stop();
  return {start, Since(begin)};
}

// Each guest by a client of its own, all at once.
template <typename Proc>
double TimeCalls(std::vector<Client>& clients, const std::vector<Prepared>& guests) {
  auto begin = Clock::now();
  for (size_t i = 0; i < guests.size(); i++) {
    typename Proc::Args args{guests[i].domain};
    clients[i].Send(EncodeCall<Proc>(args));
  }
  for (size_t i = 0; i < guests.size(); i++) clients[i].Receive();
  return Since(begin);
}

}  // namespace

std::string GuestXml(const std::string& name, const std::string& disk) {
  std::string disk_xml = disk.empty() ? "" : fmt::format(
      "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>", disk);
  return fmt::format(
      "<domain type='{}'><name>{}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
      "<os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='rom'>{}/halt.bin</loader></os>"
      "<features><acpi/><apic/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{}"
      "<serial type='pty'/><console type='pty'/></devices></domain>",
      access("/dev/kvm", R_OK | W_OK) == 0 ? "kvm" : "qemu", name, kImages, disk_xml);
}

void MeasureGuests(const Side& side, bool quick, Samples& samples) {
  const int parallel = 20;
  EmptyStores(false);
  Daemon daemon(side);
  std::vector<Client> clients;
  for (int i = 0; i < parallel; i++) {
    clients.emplace_back(kSocket);
    clients.back().Open();
  }
  std::vector<Prepared> guests;
  for (int i = 0; i < parallel; i++) guests.push_back(Prepare(clients[0], i));

  std::vector<Prepared> one = {guests[0]};
  std::vector<double> start, start_limit, destroy, destroy_limit, many, many_limit, end, end_limit;
  for (int round = 0; round < (quick ? 2 : 9); round++) {
    Times limit = TimeByHand(one);
    start_limit.push_back(limit.start);
    destroy_limit.push_back(limit.destroy);
    start.push_back(TimeCalls<proc::DomainCreate>(clients, one));
    destroy.push_back(TimeCalls<proc::DomainDestroy>(clients, one));
  }
  for (int round = 0; round < (quick ? 1 : 3); round++) {
    Times limit = TimeByHand(guests);
    many_limit.push_back(limit.start);
    end_limit.push_back(limit.destroy);
    many.push_back(TimeCalls<proc::DomainCreate>(clients, guests));
    end.push_back(TimeCalls<proc::DomainDestroy>(clients, guests));
  }
  samples["start a guest"] = {Median(start) * 1e3, Median(start_limit) * 1e3};
  samples["destroy a guest"] = {Median(destroy) * 1e3, Median(destroy_limit) * 1e3};
  samples["20 starts at once"] = {Median(many) * 1e3, Median(many_limit) * 1e3};
  samples["20 destroys at once"] = {Median(end) * 1e3, Median(end_limit) * 1e3};
}

}  // namespace bench
