// The domain language: a definition of some 200 lines through our reader and writer alone, and through the calls of a daemon.
#include <fmt/format.h>

#include <algorithm>

#include "client.h"
#include "measures.h"
#include "model/domain/domain.h"

namespace bench {
namespace {

namespace proc = bv::remote::proc;

constexpr std::uint32_t kInactiveXml = 2;  // VIR_DOMAIN_XML_INACTIVE

// A server with several disks and networks, as management tools write them.
std::string LongGuestXml() {
  std::string devices;
  for (char unit = 'a'; unit < 'h'; unit++) {
    devices += fmt::format(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>"
        "<source file='/var/lib/libvirt/images/server-{0}.qcow2'/><target dev='vd{0}' bus='virtio'/><serial>S-{0}</serial></disk>", unit);
  }
  for (int i = 0; i < 4; i++) {
    devices += fmt::format("<interface type='bridge'><mac address='52:54:00:00:00:{:02x}'/><source bridge='br{}'/><model type='virtio'/>"
                           "<driver name='vhost' queues='4'/></interface>", i, i);
  }
  return "<domain type='qemu'><name>server</name><uuid>5d7f3a3e-6d2f-4a43-9c0e-3f6e2d9b7a10</uuid><title>a server</title><memory unit='GiB'>8</memory><vcpu>4</vcpu>"
         "<cputune><shares>2048</shares><vcpupin vcpu='0' cpuset='0'/></cputune><os><type machine='q35'>hvm</type><boot dev='hd'/></os>"
         "<features><acpi/><apic/></features><cpu mode='host-model'><topology sockets='1' cores='4' threads='1'/></cpu>"
         "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock><devices>" +
         devices +
         "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel><serial type='pty'/>"
         "<input type='tablet' bus='usb'/><graphics type='vnc' autoport='yes'/><video><model type='virtio'/></video>"
         "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>";
}

// Seconds that one of many takes.
template <typename Function>
double Each(int times, Function function) {
  std::vector<double> rounds;
  for (int round = 0; round < 9; round++) {
    auto begin = Clock::now();
    for (int i = 0; i < times; i++) function();
    rounds.push_back(Since(begin) / times);
  }
  return Median(rounds);
}

}  // namespace

void MeasureLanguage(const Side& side, bool quick, Samples& samples) {
  const int times = quick ? 50 : 500;
  EmptyStores(false);
  std::string text;
  {
    Daemon daemon(side);
    Client client(kSocket);
    client.Open();
    bv::remote::DomainDefineXmlArgs definition{LongGuestXml()};
    bv::remote::DomainGetXmlDescArgs question{client.Call<proc::DomainDefineXml>(definition).dom, kInactiveXml};
    text = client.Call<proc::DomainGetXmlDesc>(question).xml;
    std::string define = EncodeCall<proc::DomainDefineXml>(definition), dump = EncodeCall<proc::DomainGetXmlDesc>(question);
    samples["define, 200 lines"] = {Each(quick ? 2 : 10, [&] { client.Exchange(define); }) * 1e3, 0};
    samples["dumpxml, 200 lines"] = {Each(times, [&] { client.Exchange(dump); }) * 1e6, 0};
  }
  EmptyStores(false);
  if (side.name != "ours") return;  // what follows happens in this process
  auto lines = std::ranges::count(text, '\n');
  if (lines < 180 || lines > 260) Die(fmt::format("the definition has {} lines", lines));
  auto guest = bv::model::ParseDomain(text, bv::model::kParseInactive);
  samples["parse 200 lines"] = {Each(times, [&] { bv::model::ParseDomain(text, bv::model::kParseInactive); }) * 1e6, 0};
  samples["format 200 lines"] = {Each(times, [&] { bv::model::FormatDomain(guest, bv::model::kFormatInactive); }) * 1e6, 0};
}

}  // namespace bench
