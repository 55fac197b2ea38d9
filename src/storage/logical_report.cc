#include "storage/logical_report.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"

namespace bv::storage {

using model::PoolSource;
using model::VolumeDef;

namespace {

[[noreturn]] void Malformed(std::string_view line) {
  throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError, "cannot understand what LVM says: '" + std::string(line) + "'");
}

std::uint64_t Number(std::string_view text, std::string_view line) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) Malformed(line);
  return number;
}

std::string_view Trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

// "/dev/sda(12),/dev/sdb(0)": devices, and the extents that the segment begins at.
void ReadDevices(std::string_view text, std::uint64_t extent_size, std::uint64_t length, std::string_view line, LogicalVolume& volume) {
  for (std::string_view part : SplitAt(text, ',')) {
    auto open = part.rfind('(');
    if (open == part.npos || !part.ends_with(')')) Malformed(line);
    std::uint64_t start = Number(part.substr(open + 1, part.size() - open - 2), line) * extent_size;
    volume.extents.push_back({std::string(part.substr(0, open)), start, start + length});
  }
}

enum Column { kName, kOrigin, kUuid, kDevices, kSegmentType, kStripes, kSegmentSize, kExtentSize, kSize, kAttributes, kColumns };

// lv_attr, of lvs(8): the first character is what it is, the fifth its state.
bool Usable(std::string_view attributes) {
  constexpr std::size_t kState = 4;
  if (attributes.size() <= kState) return false;
  return attributes[0] != 't' && attributes[kState] == 'a';
}

}  // namespace

std::vector<LogicalVolume> ReadLogicalVolumes(std::string_view report) {
  std::vector<LogicalVolume> volumes;
  for (std::string_view line : SplitAt(report, '\n')) {
    line = Trimmed(line);
    if (line.empty()) continue;
    auto columns = SplitAt(line, *kLogicalSeparator);
    if (columns.size() != kColumns) Malformed(line);
    if (!Usable(columns[kAttributes])) continue;
    auto known = std::ranges::find(volumes, columns[kName], &LogicalVolume::name);
    if (known == volumes.end()) {
      known = volumes.insert(known, LogicalVolume{std::string(columns[kName]), "", std::string(columns[kUuid]), {}});
      // In brackets: what LVM has made for itself below a sparse volume.
      if (!columns[kOrigin].starts_with('[')) known->origin = columns[kOrigin];
    }
    // One line for each segment.
    ReadDevices(columns[kDevices], Number(columns[kExtentSize], line), Number(columns[kSegmentSize], line), line, *known);
  }
  return volumes;
}

std::pair<std::uint64_t, std::uint64_t> ReadGroupSizes(std::string_view report) {
  std::string_view line = Trimmed(report.substr(0, report.find('\n')));
  auto parts = SplitAt(line, ':');
  if (parts.size() != 2) Malformed(line);
  return {Number(parts[0], line), Number(parts[1], line)};
}

std::vector<PoolSource> ReadPhysicalVolumes(std::string_view report) {
  constexpr std::uint8_t kLvm2 = 1;
  std::vector<PoolSource> groups;
  for (std::string_view line : SplitAt(report, '\n')) {
    auto words = Words(line);
    if (words.size() < 2) continue;  // in no group
    auto group = std::ranges::find(groups, words[1], &PoolSource::name);
    if (group == groups.end()) {
      group = groups.insert(group, PoolSource{});
      group->name = words[1];
      group->format = kLvm2;
    }
    group->devices.emplace_back().path = words[0];
  }
  return groups;
}

void CheckGroup(const PoolSource& wanted, const std::vector<PoolSource>& groups) {
  auto fail = [](std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported, std::move(text)); };
  auto group = std::ranges::find(groups, wanted.name, &PoolSource::name);
  if (group == groups.end()) fail("cannot find logical volume group name '" + wanted.name + "'");
  if (wanted.devices.empty()) return;
  auto is_there = [&](auto& device) { return std::ranges::find(group->devices, device.path, &model::PoolDevice::path) != group->devices.end(); };
  if (std::ranges::none_of(wanted.devices, is_there)) {
    fail("cannot find any matching source devices for logical volume group '" + wanted.name + "'");
  }
}

VolumeDef VolumeOf(const LogicalVolume& logical, const std::string& pool_path) {
  VolumeDef volume;
  volume.type = model::VolumeType::kBlock;
  volume.formats = model::VolumeFormats::kNone;
  volume.name = logical.name;
  volume.key = logical.uuid;
  volume.extents = logical.extents;
  volume.target.path = pool_path + "/" + logical.name;
  if (!logical.origin.empty()) volume.backing.emplace().path = pool_path + "/" + logical.origin;
  return volume;
}

std::vector<std::string> CreateCommand(const std::string& group, const VolumeDef& volume) {
  auto kilobytes = [](std::uint64_t bytes) { return std::to_string(bytes / 1024 + (bytes % 1024 != 0)) + "K"; };
  std::vector<std::string> argv{"lvcreate", "--name", volume.name, "-L"};
  if (volume.capacity != volume.allocation) {
    // Nothing is too little for LVM, which rounds up to an extent.
    argv.push_back(kilobytes(std::max<std::uint64_t>(volume.allocation, 1)));
    argv.insert(argv.end(), {"--type", "snapshot", "--virtualsize", kilobytes(volume.capacity)});
  } else {
    argv.push_back(kilobytes(volume.capacity));
  }
  if (volume.backing) {
    argv.insert(argv.end(), {"-s", volume.backing->path});
  } else {
    argv.push_back(group);
  }
  argv.push_back("--yes");
  return argv;
}

}  // namespace bv::storage
