#include "daemon/node_devices.h"

#include "daemon/companion.h"
#include "protocol/remote.h"

namespace bv {

namespace proc = remote::proc;

namespace {
NodeDevices* local_devices = nullptr;
struct {
  std::string socket;
  bool privileged = false;
} remote_devices;
}  // namespace

void NodeDevices::set_local(NodeDevices* devices) { local_devices = devices; }

void NodeDevices::set_remote(std::string socket, bool privileged) {
  remote_devices.socket = std::move(socket);
  remote_devices.privileged = privileged;
}

Task<> NodeDevices::Check(std::string name) {
  if (local_devices) {
    co_await local_devices->CheckLocally(std::move(name));
    co_return;
  }
  Companion daemon{"virtnodedevd", remote_devices.socket, remote_devices.privileged};
  auto client = co_await Connect(daemon);
  co_await client->Call<proc::AuthList>();
  remote::ConnectOpenArgs open;
  open.name = remote_devices.privileged ? "nodedev:///system" : "nodedev:///session";
  co_await client->Call<proc::ConnectOpen>(open);
  remote::NodeDeviceLookupByNameArgs by_name{std::move(name)};
  co_await client->Call<proc::NodeDeviceLookupByName>(by_name);
  client->Close();
}

}  // namespace bv
