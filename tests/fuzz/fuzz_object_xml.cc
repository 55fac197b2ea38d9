// XML of the smaller objects: any bytes are refused with an Error, or become an object whose own XML is
// read back to the same XML. The first byte picks the kind.
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "cpu/cpu_xml.h"
#include "model/backup.h"
#include "model/checkpoint.h"
#include "model/host_interface.h"
#include "model/network.h"
#include "model/node_device.h"
#include "model/nwfilter/binding.h"
#include "model/nwfilter/filter.h"
#include "model/secret.h"
#include "model/snapshot.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"
#include "qemu/migration/cookie.h"

using namespace bv;

namespace {

std::string Secret(std::string_view text) { return model::FormatSecret(model::ParseSecret(text, false)); }
std::string ValidSecret(std::string_view text) { return model::FormatSecret(model::ParseSecret(text, true)); }
std::string Network(std::string_view text) { return model::FormatNetwork(model::ParseNetwork(text, 0), 0); }
std::string HostInterface(std::string_view text) { return model::FormatHostInterface(model::ParseHostInterface(text)); }
std::string NodeDevice(std::string_view text) { return model::FormatNodeDevice(model::ParseNodeDevice(text, false)); }
std::string Cpu(std::string_view text) { return cpu::FormatCpu(cpu::ParseCpu(text, model::CpuType::kAuto)); }

std::string Pool(std::string_view text) { return model::FormatPool(model::ParsePool(text)); }
std::string ValidPool(std::string_view text) { return model::FormatPool(model::ParsePool(text, true)); }
std::string Volume(std::string_view text) { return model::FormatVolume(model::ParseVolume(text, model::kVolumeOptionalCapacity)); }
std::string Partition(std::string_view text) { return model::FormatVolume(model::ParseVolume(text, 0, model::VolumeFormats::kPartitions)); }

std::string Filter(std::string_view text) { return model::FormatFilter(model::ParseFilter(text, false)); }
std::string ValidFilter(std::string_view text) { return model::FormatFilter(model::ParseFilter(text, true)); }
std::string Binding(std::string_view text) { return model::FormatFilterBinding(model::ParseFilterBinding(text, false)); }

// A time of 0 is not written, and a redefinition without a time is refused.
std::string Snapshot(std::string_view text) {
  auto snapshot = model::ParseSnapshot(text, model::kMomentRedefine);
  if (!snapshot.creation_time) snapshot.creation_time = 1;
  return model::FormatSnapshot(snapshot, {.secure = true});
}
std::string NewSnapshot(std::string_view text) { return model::FormatSnapshot(model::ParseSnapshot(text, model::kMomentValidate), {}); }
std::string Checkpoint(std::string_view text) {
  auto checkpoint = model::ParseCheckpoint(text, model::kMomentRedefine | model::kMomentValidate);
  if (!checkpoint.creation_time) checkpoint.creation_time = 1;
  return model::FormatCheckpoint(checkpoint, {.secure = true, .domain = false});
}
// The driver fills in where a backup goes.
std::string Backup(std::string_view text) {
  auto backup = model::ParseBackup(text);
  for (auto& disk : backup.disks) {
    if (disk.store.path.empty()) disk.store.path = "/x";
    if (disk.store.format == model::StorageFormat::kNone) disk.store.format = model::StorageFormat::kQcow2;
  }
  if (backup.disks.empty()) return {};
  return model::FormatBackup(backup);
}

// What one daemon tells the other about a guest that moves. The host is another one than this.
std::string Cookie(std::string_view text) {
  auto uuid = *Uuid::Parse("11111111-2222-3333-4444-555555555555");
  auto cookie = qemu::MigrationCookie::Parse(std::string(text) + '\0', "g", uuid, Uuid());
  cookie->statistics.reset();  // with the time of writing
  std::string written = cookie->Format();
  return written.substr(0, written.size() - 1);
}

// Reads and writes; a new kind of object is a line here.
constexpr std::string (*kKinds[])(std::string_view) = {&Secret, &ValidSecret, &Cpu, &Pool, &ValidPool, &Volume, &Network,
                                                     &Filter, &ValidFilter, &Binding, &Snapshot, &NewSnapshot, &Checkpoint, &Backup,
                                                     &HostInterface, &NodeDevice, &Cookie, &Partition};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto rewrite = kKinds[data[0] % std::size(kKinds)];
  std::string once;
  try {
    once = rewrite({reinterpret_cast<const char*>(data) + 1, size - 1});
  } catch (const Error&) {
    return 0;
  }
  if (once.empty()) return 0;
  std::string twice = rewrite(once);  // an Error here ends the fuzzer: own output is good input
  if (rewrite(twice) != twice) abort();
  return 0;
}
