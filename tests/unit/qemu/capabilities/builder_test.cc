// From QEMU's recorded answers to capabilities: the flags are those that libvirt 9.0 finds in the same
// binary, and what guests' definitions need is there.
#include <gtest/gtest.h>

#include "qemu/capabilities_schema.h"
#include "unit/qemu/recorded_caps.h"

namespace bv::qemu {
namespace {

// From libvirt's own cache file for this binary.
constexpr std::string_view kLibvirtsFlags =
    "kvm sdl no-hpet spice hda-duplex ccid-emulated ccid-passthru piix3-usb-uhci piix4-usb-uhci usb-ehci "
    "ich9-usb-ehci1 pci-ohci usb-redir usb-hub ich9-ahci no-acpi virtio-blk-pci.scsi scsi-disk.channel "
    "scsi-block hda-micro nec-usb-xhci lsi virtio-scsi-pci disable-s3 disable-s4 usb-redir.filter "
    "ide-drive.wwn scsi-disk.wwn seccomp-sandbox vnc qxl VGA cirrus-vga vmware-svga usb-serial virtio-rng "
    "rng-random rng-egd megasas tpm-passthrough tpm-tis pci-bridge vfio-pci dmi-to-pci-bridge usb-storage "
    "usb-storage.removable virtio-mmio ich9-intel-hda kvm-pit-lost-tick-policy pvpanic usb-kbd usb-audio "
    "rtc-reset-reinjection iothread migrate-rdma VGA.vgamem_mb vmware-svga.vgamem_mb qxl.vgamem_mb "
    "pc-dimm machine-vmport-opt pci-serial gpex-pcihost ioh3420 x3130-upstream xio3130-downstream rtl8139 "
    "e1000 virtio-net virtio-gpu virtio-keyboard virtio-mouse virtio-tablet virtio-input-host "
    "ich9-disable-s3 ich9-disable-s4 virtio-balloon-pci.deflate-on-oom mptsas1068 spice-gl "
    "qxl.vram64_size_mb pxb pxb-pcie intel-iommu query-hotpluggable-cpus virtio-vga ivshmem-plain "
    "ivshmem-doorbell vhost-scsi query-cpu-model-expansion spice-rendernode nvdimm pcie-root-port "
    "query-cpu-definitions cpu-cache qemu-xhci intel-iommu.intremap intel-iommu.caching-mode "
    "intel-iommu.eim intel-iommu.device-iotlb chardev-reconnect vmcoreinfo isa-serial pcie-pci-bridge "
    "nbd-tls tpm-crb pr-manager-helper screendump_device hda-output vmgenid vhost-vsock tpm-emulator mch "
    "mch.extended-tseg-mbytes egl-headless vfio-pci.display memory-backend-memfd "
    "memory-backend-memfd.hugetlb iothread.poll-max-ns egl-headless.rendernode memory-backend-file.pmem "
    "nvdimm.unarmed virtio-pci-non-transitional nbd-bitmap x86-max-cpu cpu-unavailable-features "
    "canonical-cpu-features bochs-display migration-file-drop-cache dbus-vmstate vhost-user-gpu "
    "vhost-user-vga incremental-backup ramfb drive-nvme smp-dies i8042 rng-builtin vhost-user-fs "
    "query-named-block-nodes.flat blockdev-snapshot.allow-write-only-overlay blockdev-reopen "
    "fsdev.multidevs pcie-root-port.hotplug aio.io_uring tcg virtio-blk-pci.scsi.default.disabled pvscsi "
    "cpu.migratable intel-iommu.aw-bits numa.hmat usb-host.hostdevice virtio-balloon.free-page-reporting "
    "block-export-add netdev.vhost-vdpa dc390 am53c974 virtio-pmem-pci vhost-user-fs.bootindex "
    "vhost-user-blk cpu-max memory-backend-file.x-use-canonical-path-for-ramblock-id "
    "migration-param.block-bitmap-mapping vnc-power-control object.qapified rotation-rate "
    "compat-deprecated acpi-index input-linux virtio-gpu-gl-pci virtio-vga-gl confidential-guest-support "
    "set-action virtio-blk.queue-size virtio-mem-pci memory-backend-file.reserve "
    "piix4.acpi-root-pci-hotplug netdev.json query-dirty-rate rbd-encryption sev-guest-kernel-hashes "
    "sev-inject-launch-secret device.json+hotplug virtio-mem-pci.prealloc calc-dirty-rate "
    "dirtyrate-param.mode blockdev.nbd.tls-hostname memory-backend-file.prealloc-threads virtio-iommu-pci "
    "virtio-iommu.boot-bypass virtio-net.rss chardev.qemu-vdagent display-dbus iothread.thread-pool-max "
    "usb-host.guest-resets-all migration.blocked-reasons query-stats query-stats-schemas thread-context "
    "screenshot-format-png netdev.stream";

TEST(CapsBuilderTest, FindsTheFlagsThatLibvirtFinds) {
  std::string names;
  for (std::string_view name : RecordedCaps()->FlagNames()) {
    if (!names.empty()) names += ' ';
    names += name;
  }
  EXPECT_EQ(names, kLibvirtsFlags);
}

TEST(CapsBuilderTest, KnowsTheMachines) {
  auto caps = RecordedCaps();
  EXPECT_EQ(caps->version(), 7002022u);
  EXPECT_EQ(caps->arch(), "x86_64");
  EXPECT_EQ(caps->machines().size(), 58u);
  EXPECT_EQ(caps->machines().front().name, "pc-i440fx-7.2");
  EXPECT_EQ(caps->DefaultMachine()->name, "pc-i440fx-7.2");
  EXPECT_EQ(caps->CanonicalMachine("q35"), "pc-q35-7.2");
  EXPECT_EQ(caps->FindMachine("q35")->max_cpus, 288u);
  EXPECT_EQ(caps->FindMachine("none"), nullptr);
  EXPECT_TRUE(caps->FindMachine("pc-i440fx-1.4")->deprecated);
}

TEST(CapsBuilderTest, KnowsTypesAndProperties) {
  auto caps = RecordedCaps();
  EXPECT_TRUE(caps->HasDevice("virtio-blk-pci"));
  EXPECT_FALSE(caps->HasDevice("virtio-blk-ccw"));
  EXPECT_TRUE(caps->HasObject("iothread"));
  EXPECT_TRUE(caps->HasProperty("virtio-blk-pci", "iothread"));
  EXPECT_FALSE(caps->HasProperty("virtio-blk-pci", "no-such"));
  EXPECT_TRUE(caps->HasCommand("blockdev-add"));
}

TEST(CapsBuilderTest, KnowsTheCpusOfBothAccelerators) {
  auto caps = RecordedCaps();
  EXPECT_TRUE(caps->HasCpuData(Accelerator::kKvm));
  EXPECT_TRUE(caps->HasCpuData(Accelerator::kTcg));
  EXPECT_EQ(caps->FindCpuModel(Accelerator::kTcg, "qemu64")->usable, QemuCpuModel::Usable::kYes);
  EXPECT_EQ(caps->FindCpuModel(Accelerator::kTcg, "EPYC")->usable, QemuCpuModel::Usable::kNo);
  EXPECT_FALSE(caps->FindCpuModel(Accelerator::kTcg, "EPYC")->blockers.empty());
  bool invtsc_is_not_migratable = false;
  for (const CpuProperty& property : caps->host_cpu(Accelerator::kKvm)) {
    if (property.name == "invtsc") invtsc_is_not_migratable = property.is_true() && !property.migratable;
  }
  EXPECT_TRUE(invtsc_is_not_migratable);
  EXPECT_EQ(caps->hyperv_features().size(), 2u);
}

TEST(QmpSchemaTest, FollowsPaths) {
  QmpSchema schema(RecordedAnswer(Accelerator::kKvm, "query-qmp-schema", {}));
  for (const char* path : {"blockdev-add", "blockdev-add/arg-type/+file", "blockdev-add/arg-type/+file/filename",
                           "blockdev-add/arg-type/+file/aio/^io_uring", "device_add/$json-cli-hotplug",
                           "chardev-add/arg-type/backend/+socket/data/reconnect", "query-migrate/ret-type/blocked-reasons",
                           "query-block/ret-type/device"}) {
    EXPECT_TRUE(schema.Has(path)) << path;
  }
  for (const char* path : {"", "no-such", "blockdev-add/ret-type/x", "blockdev-add/arg-type/+nosuch",
                           "blockdev-add/arg-type/+file/aio/^nosuch", "device_add/$nosuch", "device_add/arg-type/x/y/z"}) {
    EXPECT_FALSE(schema.Has(path)) << path;
  }
}

}  // namespace
}  // namespace bv::qemu
