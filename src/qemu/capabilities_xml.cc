#include "qemu/capabilities_xml.h"

#include "base/arch.h"

namespace bv::qemu {

namespace {

using xml::Writer;

void WriteMachine(Writer& writer, const MachineType& machine, bool by_alias) {
  writer.Open("machine");
  if (by_alias) writer.Attr("canonical", machine.name);
  writer.Attr("maxCpus", std::to_string(machine.max_cpus));
  if (machine.deprecated) writer.Attr("deprecated", "yes");
  writer.CloseWithText("machine", by_alias ? machine.alias : machine.name);
}

void WriteToggle(Writer& writer, std::string_view name, bool by_default, bool toggle) {
  writer.Open(name);
  writer.Attr("default", by_default ? "on" : "off");
  writer.Attr("toggle", toggle ? "yes" : "no");
  writer.Close(name);
}

void WriteDomainType(Writer& writer, std::string_view type) {
  writer.Open("domain");
  writer.Attr("type", type);
  writer.Close("domain");
}

void WriteFeatures(Writer& writer, std::string_view arch, const QemuCaps& caps) {
  writer.Open("features");
  if (arch == "i686") {
    writer.EmptyElement("pae");
    writer.EmptyElement("nonpae");
  }
  if (IsX86(arch) || arch == "aarch64") WriteToggle(writer, "acpi", true, true);
  if (IsX86(arch)) WriteToggle(writer, "apic", true, false);
  const bool has_cpu_models = !caps.cpu_models(Accelerator::kKvm).empty() || !caps.cpu_models(Accelerator::kTcg).empty();
  if (has_cpu_models) writer.EmptyElement("cpuselection");
  writer.EmptyElement("deviceboot");
  WriteToggle(writer, "disksnapshot", true, false);
  writer.Close("features");
}

std::string FormatGuest(const GuestEmulator& emulator) {
  const QemuCaps& caps = *emulator.caps;
  const Arch* arch = FindArch(emulator.arch);
  Writer writer(1);
  writer.Open("guest");
  writer.TextElement("os_type", "hvm");
  writer.Open("arch");
  writer.Attr("name", emulator.arch);
  writer.TextElement("wordsize", std::to_string(arch ? arch->word_size : 64));
  writer.TextElement("emulator", caps.binary());
  for (const MachineType& machine : caps.machines()) {
    WriteMachine(writer, machine, false);
    if (!machine.alias.empty()) WriteMachine(writer, machine, true);
  }
  if (caps.HasAccelerator(Accelerator::kTcg)) WriteDomainType(writer, "qemu");
  if (caps.HasAccelerator(Accelerator::kKvm)) WriteDomainType(writer, "kvm");
  writer.Close("arch");
  WriteFeatures(writer, emulator.arch, caps);
  writer.Close("guest");
  return writer.Take();
}

}  // namespace

std::string FormatCapabilities(const host::HostDescription& host, const host::KernelFiles& files,
                               std::span<const GuestEmulator> emulators) {
  Writer writer(1);
  WriteHostCapabilities(writer, host, files);
  std::string text = "<capabilities>\n\n" + writer.Take() + "\n";
  for (const GuestEmulator& emulator : emulators) text += FormatGuest(emulator) + "\n";
  return text + "</capabilities>\n";
}

}  // namespace bv::qemu
