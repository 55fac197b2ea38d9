#include "qemu/domain_capabilities.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/arch.h"
#include "base/xml.h"
#include "qemu/cpu_capabilities.h"

namespace bv::qemu {

namespace {

using xml::Writer;

// The words of an <enum>, each with whether it belongs there.
struct Choice {
  std::string_view value;
  bool there = true;
};

void WriteEnum(Writer& writer, std::string_view name, const std::vector<Choice>& choices) {
  writer.Open("enum");
  writer.Attr("name", name);
  for (const Choice& choice : choices) {
    if (choice.there) writer.TextElement("value", choice.value);
  }
  writer.Close("enum");
}

// Opens <name supported=...>; when it is not, there is nothing below and it is closed again.
bool OpenSupported(Writer& writer, std::string_view name, bool supported) {
  writer.Open(name);
  writer.Attr("supported", supported ? "yes" : "no");
  if (!supported) writer.Close(name);
  return supported;
}

void WriteFlag(Writer& writer, std::string_view name, bool supported) {
  if (OpenSupported(writer, name, supported)) writer.Close(name);
}

class Document {
 public:
  Document(const QemuCaps& caps, const MachineType& machine, std::string_view arch, Accelerator accelerator,
           const HostAbilities& host)
      : caps_(caps), machine_(machine), arch_(arch), accelerator_(accelerator), host_(host) {}

  std::string Write();

 private:
  bool Has(QemuCap cap) const { return caps_.Has(cap); }
  bool HasAny(std::initializer_list<QemuCap> caps) const {
    return std::ranges::any_of(caps, [this](QemuCap cap) { return Has(cap); });
  }
  bool HasBuiltInIde() const { return machine_.name.starts_with("pc-i440fx-") || machine_.name == "pc"; }
  bool IsPseries() const { return machine_.name.starts_with("pseries"); }

  void WriteOs();
  void WriteMemoryBacking();
  void WriteDisk();
  void WriteGraphics();
  void WriteVideo();
  void WriteHostdev();
  void WriteRng();
  void WriteFilesystem();
  void WriteTpm();
  void WriteRedirdev();
  void WriteChannel();
  void WriteFeatures();
  void WriteSev();
  void WriteHyperv();
  void WriteVirtioModels();

  const QemuCaps& caps_;
  const MachineType& machine_;
  const std::string_view arch_;
  const Accelerator accelerator_;
  const HostAbilities& host_;
  Writer writer_;
};

std::string Document::Write() {
  unsigned max_cpus = machine_.max_cpus;
  if (accelerator_ == Accelerator::kKvm && host_.kvm_max_vcpus > 0) max_cpus = std::min(max_cpus, host_.kvm_max_vcpus);
  writer_.Open("domainCapabilities");
  writer_.TextElement("path", caps_.binary());
  writer_.TextElement("domain", accelerator_ == Accelerator::kKvm ? "kvm" : "qemu");
  writer_.TextElement("machine", machine_.name);
  writer_.TextElement("arch", arch_);
  writer_.Open("vcpu");
  writer_.Attr("max", std::to_string(max_cpus));
  writer_.Close("vcpu");
  WriteFlag(writer_, "iothreads", Has(QemuCap::kIothread));
  WriteOs();
  WriteCpuCapabilities(writer_, caps_, accelerator_);
  WriteMemoryBacking();
  writer_.Open("devices");
  WriteDisk();
  WriteGraphics();
  WriteVideo();
  WriteHostdev();
  WriteRng();
  WriteFilesystem();
  WriteTpm();
  WriteRedirdev();
  WriteChannel();
  writer_.Close("devices");
  WriteFeatures();
  writer_.Close("domainCapabilities");
  return writer_.Take();
}

void Document::WriteOs() {
  OpenSupported(writer_, "os", true);
  std::vector<Choice> types;
  for (const std::string& type : host_.firmware.types) types.push_back({type});
  WriteEnum(writer_, "firmware", types);
  OpenSupported(writer_, "loader", true);
  for (const std::string& loader : host_.firmware.images) writer_.TextElement("value", loader);
  WriteEnum(writer_, "type", {{"rom"}, {"pflash"}});
  WriteEnum(writer_, "readonly", {{"yes"}, {"no"}});
  WriteEnum(writer_, "secure", {{"yes", host_.firmware.secure}, {"no"}});
  writer_.Close("loader");
  writer_.Close("os");
}

void Document::WriteMemoryBacking() {
  OpenSupported(writer_, "memoryBacking", true);
  WriteEnum(writer_, "sourceType", {{"file"}, {"anonymous"}, {"memfd", Has(QemuCap::kMemoryBackendMemfd)}});
  writer_.Close("memoryBacking");
}

void Document::WriteVirtioModels() {
  const bool versions = Has(QemuCap::kVirtioPciNonTransitional);
  WriteEnum(writer_, "model", {{"virtio"}, {"virtio-transitional", versions}, {"virtio-non-transitional", versions}});
}

void Document::WriteDisk() {
  OpenSupported(writer_, "disk", true);
  WriteEnum(writer_, "diskDevice", {{"disk"}, {"cdrom"}, {"floppy", !IsPseries()}, {"lun"}});
  WriteEnum(writer_, "bus",
            {{"ide", HasBuiltInIde()},
             {"fdc", !IsPseries()},
             {"scsi"},
             {"virtio"},
             {"usb", Has(QemuCap::kUsbStorage)},
             {"sata", Has(QemuCap::kIch9Ahci)}});
  WriteVirtioModels();
  writer_.Close("disk");
}

void Document::WriteGraphics() {
  OpenSupported(writer_, "graphics", true);
  WriteEnum(writer_, "type",
            {{"sdl", Has(QemuCap::kSdl)},
             {"vnc", Has(QemuCap::kVnc)},
             {"spice", Has(QemuCap::kSpice)},
             {"egl-headless", Has(QemuCap::kEglHeadless)},
             {"dbus", Has(QemuCap::kDisplayDbus)}});
  writer_.Close("graphics");
}

void Document::WriteVideo() {
  OpenSupported(writer_, "video", true);
  WriteEnum(writer_, "modelType",
            {{"vga", Has(QemuCap::kVga)},
             {"cirrus", Has(QemuCap::kCirrusVga)},
             {"vmvga", Has(QemuCap::kVmwareSvga)},
             {"qxl", Has(QemuCap::kQxl)},
             {"virtio", Has(QemuCap::kVirtioGpu)},
             {"none"},
             {"bochs", Has(QemuCap::kBochsDisplay)},
             {"ramfb", Has(QemuCap::kRamfb)}});
  writer_.Close("video");
}

void Document::WriteHostdev() {
  const bool usb = HasAny({QemuCap::kPiix3UsbUhci, QemuCap::kPiix4UsbUhci, QemuCap::kUsbEhci, QemuCap::kIch9UsbEhci1,
                           QemuCap::kVt82c686bUsbUhci, QemuCap::kPciOhci, QemuCap::kNecUsbXhci});
  const bool vfio = host_.vfio && Has(QemuCap::kVfioPci);
  OpenSupported(writer_, "hostdev", true);
  WriteEnum(writer_, "mode", {{"subsystem"}});
  WriteEnum(writer_, "startupPolicy", {{"default"}, {"mandatory"}, {"requisite"}, {"optional"}});
  WriteEnum(writer_, "subsysType", {{"usb", usb}, {"pci"}, {"scsi"}});
  WriteEnum(writer_, "capsType", {});
  WriteEnum(writer_, "pciBackend", {{"default", vfio}, {"vfio", vfio}});
  writer_.Close("hostdev");
}

void Document::WriteRng() {
  if (!OpenSupported(writer_, "rng", Has(QemuCap::kVirtioRng))) return;
  WriteVirtioModels();
  WriteEnum(writer_, "backendModel",
            {{"random", Has(QemuCap::kRngRandom)}, {"egd", Has(QemuCap::kRngEgd)}, {"builtin", Has(QemuCap::kRngBuiltin)}});
  writer_.Close("rng");
}

void Document::WriteFilesystem() {
  OpenSupported(writer_, "filesystem", true);
  WriteEnum(writer_, "driverType", {{"path"}, {"handle"}, {"virtiofs", Has(QemuCap::kVhostUserFs)}});
  writer_.Close("filesystem");
}

void Document::WriteTpm() {
  const bool passthrough = Has(QemuCap::kTpmPassthrough);
  const bool emulator = Has(QemuCap::kTpmEmulator) && host_.swtpm;
  const bool models = HasAny({QemuCap::kTpmTis, QemuCap::kTpmCrb});
  if (!OpenSupported(writer_, "tpm", models && (passthrough || emulator))) return;
  WriteEnum(writer_, "model", {{"tpm-tis", Has(QemuCap::kTpmTis)}, {"tpm-crb", Has(QemuCap::kTpmCrb)}});
  WriteEnum(writer_, "backendModel", {{"passthrough", passthrough}, {"emulator", emulator}});
  if (emulator) WriteEnum(writer_, "backendVersion", {{"1.2"}, {"2.0"}});
  writer_.Close("tpm");
}

void Document::WriteRedirdev() {
  if (!OpenSupported(writer_, "redirdev", Has(QemuCap::kUsbRedir))) return;
  WriteEnum(writer_, "bus", {{"usb"}});
  writer_.Close("redirdev");
}

void Document::WriteChannel() {
  OpenSupported(writer_, "channel", true);
  WriteEnum(writer_, "type", {{"pty"}, {"unix"}, {"spicevmc", Has(QemuCap::kSpice)}});
  writer_.Close("channel");
}

void Document::WriteFeatures() {
  writer_.Open("features");
  WriteFlag(writer_, "gic", false);
  WriteFlag(writer_, "vmcoreinfo", Has(QemuCap::kVmcoreinfo));
  WriteFlag(writer_, "genid", Has(QemuCap::kVmgenid));
  WriteFlag(writer_, "backingStoreInput", true);
  WriteFlag(writer_, "backup", Has(QemuCap::kIncrementalBackup));
  WriteSev();
  WriteFlag(writer_, "sgx", Has(QemuCap::kSgxEpc));
  WriteHyperv();
  writer_.Close("features");
}

void Document::WriteSev() {
  const SevCapability* sev = caps_.sev();
  if (!OpenSupported(writer_, "sev", sev != nullptr)) return;
  writer_.TextElement("cbitpos", std::to_string(sev->cbitpos));
  writer_.TextElement("reducedPhysBits", std::to_string(sev->reduced_phys_bits));
  writer_.Close("sev");
}

void Document::WriteHyperv() {
  std::vector<Choice> features;
  for (std::string_view feature : caps_.hyperv_features()) features.push_back({feature});
  if (!OpenSupported(writer_, "hyperv", !features.empty())) return;
  WriteEnum(writer_, "features", features);
  writer_.Close("hyperv");
}

}  // namespace

std::string FormatDomainCapabilities(const QemuCaps& caps, const MachineType& machine, std::string_view arch,
                                     Accelerator accelerator, const HostAbilities& host) {
  return Document(caps, machine, arch, accelerator, host).Write();
}

}  // namespace bv::qemu
