#include "qemu/block_tune.h"

namespace bv::qemu {
namespace {

struct Field {
  const char* argument;
  std::uint64_t model::IoTune::*value;
};
// Lengths of bursts are seconds and only sent when given.
constexpr Field kLimits[] = {
    {"bps", &model::IoTune::total_bytes},         {"bps_rd", &model::IoTune::read_bytes},
    {"bps_wr", &model::IoTune::write_bytes},      {"iops", &model::IoTune::total_iops},
    {"iops_rd", &model::IoTune::read_iops},       {"iops_wr", &model::IoTune::write_iops},
    {"bps_max", &model::IoTune::total_bytes_max}, {"bps_rd_max", &model::IoTune::read_bytes_max},
    {"bps_wr_max", &model::IoTune::write_bytes_max}, {"iops_max", &model::IoTune::total_iops_max},
    {"iops_rd_max", &model::IoTune::read_iops_max},  {"iops_wr_max", &model::IoTune::write_iops_max},
    {"iops_size", &model::IoTune::size_iops},
};
constexpr Field kLengths[] = {
    {"bps_max_length", &model::IoTune::total_bytes_max_length},
    {"bps_rd_max_length", &model::IoTune::read_bytes_max_length},
    {"bps_wr_max_length", &model::IoTune::write_bytes_max_length},
    {"iops_max_length", &model::IoTune::total_iops_max_length},
    {"iops_rd_max_length", &model::IoTune::read_iops_max_length},
    {"iops_wr_max_length", &model::IoTune::write_iops_max_length},
};

}  // namespace

bool HasThrottle(const model::IoTune& tune) {
  for (auto& field : kLimits) {
    if (tune.*field.value) return true;
  }
  return false;
}

std::string DiskQomName(const model::Disk& disk) {
  // virtio-blk is a proxy on its bus; the disk is the device inside.
  if (disk.bus == model::DiskBus::kVirtio) return "/machine/peripheral/" + disk.info.alias + "/virtio-backend";
  // usb-storage is a controller with one disk on it.
  if (disk.bus == model::DiskBus::kUsb) return disk.info.alias + "-disk";
  return disk.info.alias;
}

MonitorCommand ThrottleCommand(const model::Disk& disk, const model::IoTune& tune) {
  MonitorCommand command;
  command.name = "block_set_io_throttle";
  auto arguments = Json::Object();
  arguments.Set("id", DiskQomName(disk));
  for (auto& field : kLimits) arguments.Set(field.argument, tune.*field.value);
  for (auto& field : kLengths) {
    if (tune.*field.value) arguments.Set(field.argument, tune.*field.value);
  }
  if (!tune.group.empty()) arguments.Set("group", tune.group);
  command.arguments = arguments;
  return command;
}

MonitorCommand ThrottleCommand(const model::Disk& disk) { return ThrottleCommand(disk, disk.iotune); }

}  // namespace bv::qemu
