#include "qemu/cpu_capabilities.h"

#include <algorithm>
#include "cpu/cpu.h"
#include "qemu/cpu_models.h"

namespace bv::qemu {
namespace {

using model::CpuDef;
using model::CpuMode;

bool IsKnownModel(std::string_view arch, std::string_view name) {
  auto names = cpu::ModelNames(arch);
  return names.empty() || std::ranges::find(names, name) != names.end();
}

// Opens <mode name=.../>; false when there is nothing to say below it.
bool OpenMode(xml::Writer& writer, std::string_view name, bool supported) {
  writer.Open("mode");
  writer.Attr("name", name);
  writer.Attr("supported", supported ? "yes" : "no");
  return supported;
}

void WriteMigratable(xml::Writer& writer, std::string_view enum_name, bool may_be_on) {
  writer.Open("enum");
  writer.Attr("name", enum_name);
  if (may_be_on) writer.TextElement("value", "on");
  writer.TextElement("value", "off");
  writer.Close("enum");
}

void WriteHostModel(xml::Writer& writer, const CpuDef& cpu) {
  writer.Open("model");
  writer.Attr("fallback", ToString(cpu.fallback));
  writer.CloseWithText("model", cpu.model);
  if (!cpu.vendor.empty()) writer.TextElement("vendor", cpu.vendor);
  for (const model::CpuFeature& feature : cpu.features) {
    writer.Open("feature");
    writer.Attr("policy", ToString(feature.policy));
    writer.Attr("name", feature.name);
    writer.Close("feature");
  }
}

std::string_view UsableName(QemuCpuModel::Usable usable) {
  switch (usable) {
    case QemuCpuModel::Usable::kYes: return "yes";
    case QemuCpuModel::Usable::kNo: return "no";
    case QemuCpuModel::Usable::kUnknown: break;
  }
  return "unknown";
}

void WriteModels(xml::Writer& writer, const QemuCaps& caps, Accelerator accelerator) {
  for (const QemuCpuModel& model : caps.cpu_models(accelerator)) {
    if (!IsKnownModel(caps.arch(), model.name)) continue;
    std::string_view vendor = cpu::VendorOfModel(caps.arch(), model.name);
    writer.Open("model");
    writer.Attr("usable", UsableName(model.usable));
    if (model.deprecated) writer.Attr("deprecated", "yes");
    writer.Attr("vendor", vendor.empty() ? "unknown" : vendor);
    writer.CloseWithText("model", model.name);
  }
}

}  // namespace

void WriteCpuCapabilities(xml::Writer& writer, const QemuCaps& caps, Accelerator accelerator) {
  auto supports = [&](CpuMode mode) { return SupportsCpuMode(caps, accelerator, mode); };
  writer.Open("cpu");
  if (OpenMode(writer, "host-passthrough", supports(CpuMode::kHostPassthrough)))
    WriteMigratable(writer, "hostPassthroughMigratable", caps.Has(QemuCap::kCpuMigratable));
  writer.Close("mode");

  if (OpenMode(writer, "maximum", supports(CpuMode::kMaximum))) WriteMigratable(writer, "maximumMigratable", true);
  writer.Close("mode");

  auto host = HostModelsOf(caps, accelerator);
  if (OpenMode(writer, "host-model", host.has_value())) WriteHostModel(writer, host->reported);
  writer.Close("mode");

  if (OpenMode(writer, "custom", supports(CpuMode::kCustom))) WriteModels(writer, caps, accelerator);
  writer.Close("mode");
  writer.Close("cpu");
}

}  // namespace bv::qemu
