#pragma once

#include "model/describe/engine.h"
#include "model/describe/row.h"
#include "model/domain/domain.h"

// The descriptions of the domain language, each defined in the .cc of its element.
namespace bv::model {

extern const Description<PciAddress> kPciAddress;
extern const Description<Address> kAddress;
extern const Description<DeviceInfo> kDeviceInfo;
extern const Description<VirtioOptions> kVirtioOptions;
extern const Description<Seclabel> kSeclabel;
extern const Description<DeviceSeclabel> kDeviceSeclabel;
extern const Description<CpuDef> kCpu;  // without <numa>
extern const Description<Numa> kNuma;
extern const Description<NumaTune> kNumaTune;
extern const Description<DomainMemory> kDomainMemory;  // <maxMemory>, <memory>, <currentMemory>
extern const Description<MemTune> kMemTune;
extern const Description<MemoryBacking> kMemoryBacking;
extern const Description<BlkioTune> kBlkioTune;
extern const Description<VcpuSettings> kVcpuSettings;
extern const Description<IoThreads> kIoThreads;
extern const Description<CpuTune> kCpuTune;
extern const Description<Sysinfo> kSysinfo;
extern const Description<Os> kOs;
extern const Description<Features> kFeatures;
extern const Description<GuestClock> kClock;
extern const Description<Lifecycle> kLifecycle;
extern const Description<PowerManagement> kPowerManagement;
extern const Description<Keywrap> kKeywrap;
extern const Description<LaunchSecurity> kLaunchSecurity;
extern const Description<QemuNamespace> kQemuNamespace;

extern const Description<StorageEncryption> kStorageEncryption;
extern const Description<StorageAuth> kStorageAuth;
extern const Description<Disk> kDisk;
extern const Description<Controller> kController;
extern const Description<Lease> kLease;
extern const Description<Filesystem> kFilesystem;
extern const Description<Interface> kInterface;
extern const Description<Smartcard> kSmartcard;
extern const Description<Chardev> kSerial, kParallel, kConsole, kChannel;
extern const Description<Input> kInput;
extern const Description<Tpm> kTpm;
extern const Description<Graphics> kGraphics;
extern const Description<Sound> kSound;
extern const Description<Audio> kAudio;
extern const Description<Video> kVideo;
extern const Description<Hostdev> kHostdev;
extern const Description<Redirdev> kRedirdev;
extern const Description<Redirfilter> kRedirfilter;
extern const Description<Hub> kHub;
extern const Description<Watchdog> kWatchdog;
extern const Description<Memballoon> kMemballoon;
extern const Description<Rng> kRng;
extern const Description<NvramDevice> kNvramDevice;
extern const Description<Panic> kPanic;
extern const Description<Shmem> kShmem;
extern const Description<MemoryDevice> kMemoryDevice;
extern const Description<Iommu> kIommu;
extern const Description<Vsock> kVsock;
extern const Description<Crypto> kCrypto;

// Parts that several elements have.
extern const Description<Reconnect> kReconnect;
extern const Description<VirtualPort> kVirtualPort;
extern const Description<VirtualPort> kVirtualPortTemplate;  // of networks: parts that interfaces complete
extern const Description<Bandwidth> kBandwidth;
extern const Description<Vlan> kVlan;
extern const Description<IpAddress> kIpAddress;
extern const Description<IpRoute> kIpRoute;
extern const Description<FilterRef> kFilterRef;

// A device on a USB bus can be nowhere else.
void CheckUsbPlace(Parser& p, const DeviceInfo& info);

}  // namespace bv::model
