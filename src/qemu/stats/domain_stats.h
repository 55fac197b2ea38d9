#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qemu/stats/guest_report.h"
#include "rpc/typed_param.h"

namespace bv::qemu {

// Bytes that images take up, by their path: the length of files, the size of devices.
using ImageSizes = std::map<std::string, std::uint64_t, std::less<>>;
// Asks the file systems; blocks as long as they do.
ImageSizes SizesOf(const std::vector<std::string>& paths);
// The images of a domain's disks, for SizesOf.
void AppendImagePaths(const Domain& domain, bool with_backing, std::vector<std::string>* paths);

// The parameters of CONNECT_GET_ALL_DOMAIN_STATS for one domain: groups in the order of their numbers.
class DomainStats {
 public:
  DomainStats(const Domain& domain, const GuestReport& report, const ImageSizes& sizes)
      : domain_(domain), report_(report), sizes_(sizes) {}
  std::vector<TypedParam> Collect(unsigned groups, bool with_backing);

 private:
  void AddState();
  void AddCpu();
  void AddBalloon();
  void AddVcpus();
  void AddInterfaces();
  void AddBlocks(bool with_backing);
  void AddPerf();
  void AddIothreads();
  void AddDirtyRate();
  void AddVm();
  // What query-stats said of one object, each value behind `prefix`.
  void AddKernelStats(const std::string& prefix, const Json& stats, const char* target);

  template <typename T>
  void Add(std::string name, T value) {
    TypedParam& param = params_.emplace_back();
    param.field = std::move(name);
    param.value = std::move(value);
  }
  void AddNumber(std::string name, const Json& object, const char* key);

  const Domain& domain_;
  const GuestReport& report_;
  const ImageSizes& sizes_;
  std::vector<TypedParam> params_;
};

// Bytes and packets of an interface of the host, as the guest behind it counts them: what the host
// receives from a tap device the guest has sent. Nullopt when there is no such interface.
struct InterfaceCounters {
  std::int64_t rx_bytes = 0, rx_packets = 0, rx_errs = 0, rx_drop = 0;
  std::int64_t tx_bytes = 0, tx_packets = 0, tx_errs = 0, tx_drop = 0;
};
std::optional<InterfaceCounters> CountersOf(const std::string& device, bool swapped);
// Devices that are the guest's own end show its view already.
bool SharesHostView(const model::Interface& interface);

// The balloon's figures by libvirt's tags (virDomainMemoryStatTags); KiB.
struct BalloonFigure {
  int tag;
  const char* name;  // behind "balloon."
  std::uint64_t value;
};
std::vector<BalloonFigure> BalloonFigures(const GuestReport& report);

}  // namespace bv::qemu
