#include "host/host_capabilities.h"

#include <fmt/core.h>

#include <algorithm>

namespace bv::host {

namespace {

using xml::Writer;

void NumberAttr(Writer& writer, std::string_view name, std::uint64_t value) { writer.Attr(name, std::to_string(value)); }

void WriteValueElement(Writer& writer, std::string_view name, std::string_view attribute, std::string_view value) {
  writer.Open(name);
  writer.Attr(attribute, value);
  writer.Close(name);
}

void WriteCounter(Writer& writer, const model::CpuCounter& counter) {
  writer.Open("counter");
  writer.Attr("name", counter.name);
  NumberAttr(writer, "frequency", counter.frequency);
  if (counter.scaling != model::YesNo::kAbsent) writer.Attr("scaling", ToString(counter.scaling));
  writer.Close("counter");
}

void WriteCpu(Writer& writer, const model::CpuDef& cpu, const KernelFiles& files) {
  const NodeInfo info = ReadNodeInfo(files);
  writer.Open("cpu");
  writer.TextElement("arch", cpu.arch);
  if (!cpu.model.empty()) {
    writer.TextElement("model", cpu.model);
    if (!cpu.vendor.empty()) writer.TextElement("vendor", cpu.vendor);
  }
  if (cpu.microcode) WriteValueElement(writer, "microcode", "version", std::to_string(*cpu.microcode));
  if (cpu.signature) {
    writer.Open("signature");
    NumberAttr(writer, "family", cpu.signature->family);
    NumberAttr(writer, "model", cpu.signature->model);
    NumberAttr(writer, "stepping", cpu.signature->stepping);
    writer.Close("signature");
  }
  if (cpu.tsc) WriteCounter(writer, *cpu.tsc);
  writer.Open("topology");
  NumberAttr(writer, "sockets", info.sockets);
  NumberAttr(writer, "dies", 1);
  NumberAttr(writer, "cores", info.cores);
  NumberAttr(writer, "threads", info.threads);
  writer.Close("topology");
  if (cpu.max_phys_addr) {
    writer.Open("maxphysaddr");
    writer.Attr("mode", ToString(cpu.max_phys_addr->mode));
    if (cpu.max_phys_addr->bits) NumberAttr(writer, "bits", *cpu.max_phys_addr->bits);
    writer.Close("maxphysaddr");
  }
  for (const model::CpuFeature& feature : cpu.features) WriteValueElement(writer, "feature", "name", feature.name);
  for (unsigned size : PageSizes(files)) {
    writer.Open("pages");
    writer.Attr("unit", "KiB");
    NumberAttr(writer, "size", size);
    writer.Close("pages");
  }
  writer.Close("cpu");
}

void WriteMigration(Writer& writer, const HostDescription& host) {
  if (!host.live_migration) return;
  writer.Open("migration_features");
  writer.EmptyElement("live");
  writer.Open("uri_transports");
  for (const std::string& transport : host.migration_transports) writer.TextElement("uri_transport", transport);
  writer.Close("uri_transports");
  writer.Close("migration_features");
}

void WriteProcessor(Writer& writer, const ProcessorPlace& cpu) {
  writer.Open("cpu");
  NumberAttr(writer, "id", cpu.id);
  NumberAttr(writer, "socket_id", cpu.socket);
  NumberAttr(writer, "die_id", cpu.die);
  NumberAttr(writer, "core_id", cpu.core);
  writer.Attr("siblings", FormatCpuList(cpu.siblings));
  writer.Close("cpu");
}

void WriteCell(Writer& writer, const Cell& cell) {
  writer.Open("cell");
  NumberAttr(writer, "id", cell.id);
  writer.Open("memory");
  writer.Attr("unit", "KiB");
  writer.CloseWithText("memory", std::to_string(cell.memory_kib));
  for (const Cell::Pages& pages : cell.pages) {
    writer.Open("pages");
    writer.Attr("unit", "KiB");
    NumberAttr(writer, "size", pages.size_kib);
    writer.CloseWithText("pages", std::to_string(pages.count));
  }
  if (!cell.distances.empty()) {
    writer.Open("distances");
    for (auto [id, distance] : cell.distances) {
      writer.Open("sibling");
      NumberAttr(writer, "id", id);
      NumberAttr(writer, "value", distance);
      writer.Close("sibling");
    }
    writer.Close("distances");
  }
  writer.Open("cpus");
  NumberAttr(writer, "num", cell.cpus.size());
  for (const ProcessorPlace& cpu : cell.cpus) WriteProcessor(writer, cpu);
  writer.Close("cpus");
  writer.Close("cell");
}

void WriteTopology(Writer& writer, const KernelFiles& files) {
  const Topology topology = ReadTopology(files);
  writer.Open("topology");
  writer.Open("cells");
  NumberAttr(writer, "num", topology.cells.size());
  for (const Cell& cell : topology.cells) WriteCell(writer, cell);
  writer.Close("cells");
  writer.Close("topology");
}

void WriteCaches(Writer& writer, const KernelFiles& files) {
  const auto banks = ReadCacheBanks(files);
  if (banks.empty()) return;
  writer.Open("cache");
  for (const CacheBank& bank : banks) {
    const bool mib = bank.size_kib >= 1024 && bank.size_kib % 1024 == 0;
    writer.Open("bank");
    NumberAttr(writer, "id", bank.id);
    NumberAttr(writer, "level", bank.level);
    writer.Attr("type", bank.type);
    NumberAttr(writer, "size", mib ? bank.size_kib / 1024 : bank.size_kib);
    writer.Attr("unit", mib ? "MiB" : "KiB");
    writer.Attr("cpus", FormatCpuList(bank.cpus));
    writer.Close("bank");
  }
  writer.Close("cache");
}

void WriteSecurity(Writer& writer, const SecurityModel& security) {
  writer.Open("secmodel");
  writer.TextElement("model", security.model);
  writer.TextElement("doi", security.doi);
  for (const auto& [type, label] : security.base_labels) {
    writer.Open("baselabel");
    writer.Attr("type", type);
    writer.CloseWithText("baselabel", label);
  }
  writer.Close("secmodel");
}

}  // namespace

bool HasIommu(const KernelFiles& files) { return !files.Names("/sys/kernel/iommu_groups").empty(); }

std::optional<Uuid> FirmwareUuid(const KernelFiles& files) {
  auto text = files.Read("/sys/devices/virtual/dmi/id/product_uuid");
  if (!text) return std::nullopt;
  auto uuid = Uuid::Parse(*text);
  if (!uuid) return std::nullopt;
  const auto& bytes = uuid->bytes;
  const bool all_the_same = std::ranges::all_of(bytes, [&](std::uint8_t byte) { return byte == bytes.front(); });
  return all_the_same ? std::nullopt : uuid;
}

void WriteHostCapabilities(Writer& writer, const HostDescription& host, const KernelFiles& files) {
  writer.Open("host");
  writer.TextElement("uuid", host.uuid.ToString());
  WriteCpu(writer, host.cpu, files);
  writer.EmptyElement("power_management");
  WriteValueElement(writer, "iommu", "support", HasIommu(files) ? "yes" : "no");
  WriteMigration(writer, host);
  WriteTopology(writer, files);
  WriteCaches(writer, files);
  for (const SecurityModel& security : host.security_models) WriteSecurity(writer, security);
  writer.Close("host");
}

}  // namespace bv::host
