// Pools whose volumes are the multipath devices of the host.

#include "base/files.h"
#include "base/wait.h"
#include "host/kernel_files.h"
#include "storage/backend.h"
#include "storage/scsi_units.h"
#include "storage/tool.h"

namespace bv::storage {

using model::PoolDef;

namespace {

constexpr const char* kBlock = "/sys/class/block/";

struct Map {
  std::string device;  // "dm-3"
  std::string name;    // "mpatha"
};

std::vector<Map> Maps() {
  host::KernelFiles files;
  std::vector<Map> maps;
  for (const std::string& device : files.Names(kBlock)) {
    // What made a map says so in front of its UUID.
    if (!files.Read(kBlock + device + "/dm/uuid").value_or("").starts_with("mpath-")) continue;
    maps.push_back({device, files.Read(kBlock + device + "/dm/name").value_or("")});
  }
  return maps;
}

class MultipathBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef&) const override {
    auto exists = [] { return FileExists("/dev/mapper") || FileExists("/dev/mpath"); };
    co_return co_await Offload(exists);
  }

  Task<PoolContents> Look(const PoolDef&) const override {
    co_await SettleDevices();
    auto maps = co_await Offload(&Maps);
    // Maps have one name, whatever directory the pool says.
    PoolDef anywhere;
    anywhere.target_path = "/dev";
    PoolContents contents;
    for (const Map& map : maps) {
      auto volume = co_await WholeDevice(anywhere, "/dev/mapper/" + map.name, map.device);
      if (!volume) continue;
      contents.capacity += volume->capacity;
      contents.allocation += volume->allocation;
      contents.volumes.push_back(std::move(*volume));
    }
    co_return contents;
  }
};

constinit const MultipathBackend kMultipath;

}  // namespace

constinit const Backend& kMultipathPools = kMultipath;

}  // namespace bv::storage
