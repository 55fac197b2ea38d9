#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "base/xml.h"
#include "model/cpu.h"
#include "model/domain/audio.h"
#include "model/domain/char_backed.h"
#include "model/domain/chardev.h"
#include "model/domain/clock.h"
#include "model/domain/controller.h"
#include "model/domain/disk.h"
#include "model/domain/features.h"
#include "model/domain/filesystem.h"
#include "model/domain/graphics.h"
#include "model/domain/hostdev.h"
#include "model/domain/interface.h"
#include "model/domain/launch_security.h"
#include "model/domain/lifecycle.h"
#include "model/domain/memory_tuning.h"
#include "model/domain/numa.h"
#include "model/domain/os.h"
#include "model/domain/qemu_namespace.h"
#include "model/domain/seclabel.h"
#include "model/domain/simple_devices.h"
#include "model/domain/sysinfo.h"
#include "model/domain/vcpu.h"
#include "model/value.h"

// The domain XML language of libvirt 9.0 as structs. Parsing is hypervisor-neutral: it says what the
// document says, with the checks that libvirt makes for every hypervisor. Defaults, addresses,
// implicit devices and checks against a hypervisor's abilities are made afterwards by its driver
// (qemu/defaults).
namespace bv::model {

enum class VirtType : std::uint8_t {
  kNone, kQemu, kKqemu, kKvm, kXen, kLxc, kUml, kOpenvz, kTest, kVmware, kHyperv, kVbox, kPhyp, kParallels, kBhyve, kVz, kHvf,
};
template <>
struct Spelling<VirtType> {
  static constexpr const char* kNames[] = {"none", "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware",
                                           "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf"};
};

struct IdMapEntry {
  unsigned start = 0, target = 0, count = 0;
};
struct IdMap {
  std::vector<IdMapEntry> uid, gid;
};

struct Resource {
  std::string partition;
  std::string fibrechannel_appid;
};

enum class PerfEvent : std::uint8_t {
  kCmt, kMbmt, kMbml, kCpuCycles, kInstructions, kCacheReferences, kCacheMisses, kBranchInstructions, kBranchMisses,
  kBusCycles, kStalledCyclesFrontend, kStalledCyclesBackend, kRefCpuCycles, kCpuClock, kTaskClock, kPageFaults,
  kContextSwitches, kCpuMigrations, kPageFaultsMin, kPageFaultsMaj, kAlignmentFaults, kEmulationFaults,
};
template <>
struct Spelling<PerfEvent> {
  static constexpr const char* kNames[] = {
      "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
      "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock",
      "task_clock", "page_faults", "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj",
      "alignment_faults", "emulation_faults"};
};
inline constexpr std::size_t kPerfEvents = std::size(Spelling<PerfEvent>::kNames);
using Perf = std::array<YesNo, kPerfEvents>;  // by PerfEvent

struct DomainDef {
  VirtType virt_type = VirtType::kNone;
  std::optional<int> id;  // running guests only
  std::string name;
  Uuid uuid;
  bool uuid_given = false;
  std::optional<Uuid> genid;  // an empty <genid/> gets a new one when it is parsed
  bool genid_generated = false;
  std::string title, description;
  std::string metadata;  // the <metadata> element as it is written, lines and indentation included; may be empty

  DomainMemory memory;
  BlkioTune blkio;
  VcpuSettings vcpu;
  IoThreads iothreads;
  CpuTune cputune;
  NumaTune numatune;
  Resource resource;
  std::vector<Sysinfo> sysinfo;
  Os os;
  IdMap idmap;
  Features features;
  std::optional<CpuDef> cpu;
  Numa numa;  // <cpu><numa>
  GuestClock clock;
  Lifecycle lifecycle;
  PowerManagement pm;
  Perf perf{};
  Keywrap keywrap;
  std::optional<LaunchSecurity> launch_security;
  std::vector<Seclabel> seclabels;

  std::string emulator;
  // Devices are owned one by one, so that pointers to them stay valid while others come and go.
  template <typename T>
  using List = std::vector<std::unique_ptr<T>>;
  List<Disk> disks;
  List<Controller> controllers;
  List<Lease> leases;
  List<Filesystem> filesystems;
  List<Interface> interfaces;
  List<Smartcard> smartcards;
  List<Chardev> serials, parallels, consoles, channels;
  List<Input> inputs;
  List<Tpm> tpms;
  List<Graphics> graphics;
  List<Sound> sounds;
  List<Audio> audios;
  List<Video> videos;
  List<Hostdev> hostdevs;
  List<Redirdev> redirdevs;
  std::optional<Redirfilter> redirfilter;
  List<Hub> hubs;
  List<Watchdog> watchdogs;
  std::unique_ptr<Memballoon> memballoon;
  List<Rng> rngs;
  std::unique_ptr<NvramDevice> nvram;
  List<Panic> panics;
  List<Shmem> shmems;
  List<MemoryDevice> memory_devices;
  std::unique_ptr<Iommu> iommu;
  std::unique_ptr<Vsock> vsock;
  List<Crypto> cryptos;

  QemuNamespace qemu;
};

// What is parsed and written. kInactive is the persistent form; live-only parts (id, aliases made
// by the daemon, seclabels in use, tap names ...) are skipped on the way in and left out on the way
// out. Otherwise the live form.
enum : unsigned {
  kParseInactive = 1 << 0,
  kParseValidate = 1 << 1,      // VIR_DOMAIN_DEFINE_VALIDATE: unknown elements and attributes are errors
  kParseStatus = 1 << 2,        // within status XML: parts that only a daemon writes
  kParseMigratable = 1 << 3,
  // A new definition (define, create), not one read back: sizes that follow from others are updated.
  kParseAbiUpdate = 1 << 4,
  kParseSkipChecks = 1 << 5,    // structs as the document has them: neither CompleteDomain() nor CheckDomain()
};
enum : unsigned {
  kFormatInactive = 1 << 0,
  kFormatSecure = 1 << 1,       // VIR_DOMAIN_XML_SECURE: passwords
  kFormatMigratable = 1 << 2,   // VIR_DOMAIN_XML_MIGRATABLE
  kFormatStatus = 1 << 3,
  kFormatUpdateCpu = 1 << 4,    // done by the driver before formatting; no meaning here
};

// Throws Error with libvirt's codes and domains. CompleteDomain() and CheckDomain() have been made.
DomainDef ParseDomain(std::string_view xml, unsigned flags);
std::string FormatDomain(const DomainDef& def, unsigned flags);

// The same within a larger document (status, snapshot, save image).
DomainDef ParseDomain(const xml::Node& element, unsigned flags);
void FormatDomain(const DomainDef& def, unsigned flags, xml::Writer& out, std::string_view root = "domain");

// What a definition leaves open and any hypervisor completes in the same way: memory sums, placement,
// the default boot device.
void CompleteDomain(DomainDef& def, unsigned flags);

// The rules that hold for any hypervisor, over the whole definition: duplicate targets and indices,
// references to cells and threads that are not there, combinations that exclude each other.
void CheckDomain(const DomainDef& def);
// A part of it that a driver may want earlier.
void CheckChardevSources(const DomainDef& def);

}  // namespace bv::model
