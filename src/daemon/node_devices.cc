#include "daemon/node_devices.h"

#include "daemon/other_drivers.h"
#include "protocol/remote.h"

namespace bv {

namespace proc = remote::proc;

static NodeDevices* local_devices = nullptr;

void NodeDevices::set_local(NodeDevices* devices) { local_devices = devices; }

Task<> NodeDevices::Check(std::string name) {
  if (local_devices) {
    co_await local_devices->CheckLocally(std::move(name));
    co_return;
  }
  auto client = co_await OpenDriver("nodedev");
  remote::NodeDeviceLookupByNameArgs by_name{std::move(name)};
  co_await client->Call<proc::NodeDeviceLookupByName>(by_name);
  client->Close();
}

}  // namespace bv
