#include "nodedev/net_features.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "base/fd.h"

namespace bv::nodedev {

namespace {

class Ethtool {
 public:
  explicit Ethtool(const std::string& interface) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    interface.copy(request_.ifr_name, sizeof request_.ifr_name - 1);
  }

  bool Ask(void* question) {
    request_.ifr_data = static_cast<char*>(question);
    return socket_ && ioctl(socket_.get(), SIOCETHTOOL, &request_) == 0;
  }
  std::uint32_t Value(std::uint32_t command) {
    ethtool_value value{command, 0};
    return Ask(&value) ? value.data : 0;
  }
  bool HasFeature(unsigned bit) {
    constexpr unsigned kBlocks = 2;
    alignas(ethtool_gfeatures) char answer[sizeof(ethtool_gfeatures) + kBlocks * sizeof(ethtool_get_features_block)]{};
    auto* features = reinterpret_cast<ethtool_gfeatures*>(answer);
    features->cmd = ETHTOOL_GFEATURES;
    features->size = kBlocks;
    return Ask(answer) && (features->features[bit / 32].active >> (bit % 32) & 1);
  }

 private:
  Fd socket_;
  ifreq request_{};
};

// Both a network and an RDMA device have the same hardware.
bool IsRdma(const host::DeviceFiles& files, const std::string& interface) {
  auto resource = files.Read("/sys/class/net/" + interface + "/device/resource");
  if (!resource) return false;
  for (const std::string& name : files.NamesAsListed("/sys/class/infiniband")) {
    if (files.Read("/sys/class/infiniband/" + name + "/device/resource") == resource) return true;
  }
  return false;
}

constexpr std::pair<const char*, std::uint32_t> kQuestions[] = {
    {"rx", ETHTOOL_GRXCSUM}, {"tx", ETHTOOL_GTXCSUM}, {"sg", ETHTOOL_GSG}, {"tso", ETHTOOL_GTSO}, {"gso", ETHTOOL_GGSO}, {"gro", ETHTOOL_GGRO}};
constexpr std::pair<const char*, std::uint32_t> kFlags[] = {
    {"lro", ETH_FLAG_LRO}, {"rxvlan", ETH_FLAG_RXVLAN}, {"txvlan", ETH_FLAG_TXVLAN}, {"ntuple", ETH_FLAG_NTUPLE}, {"rxhash", ETH_FLAG_RXHASH}};
// The bit of UDP tunnels when libvirt learned about it. Kernels have since moved it up, and libvirt has stayed.
constexpr unsigned kTunnelBit = 25;

}  // namespace

std::vector<std::string> NetFeatures(const host::DeviceFiles& files, const std::string& interface) {
  Ethtool ethtool(interface);
  std::vector<std::string> features;
  for (auto [name, command] : kQuestions) {
    if (ethtool.Value(command)) features.emplace_back(name);
  }
  std::uint32_t flags = ethtool.Value(ETHTOOL_GFLAGS);
  for (auto [name, flag] : kFlags) {
    if (flags & flag) features.emplace_back(name);
  }
  if (IsRdma(files, interface)) features.emplace_back("rdma");
  if (ethtool.HasFeature(kTunnelBit)) features.emplace_back("txudptnl");
  return features;
}

}  // namespace bv::nodedev
