#include "qemu/status_xml.h"

#include <fmt/core.h>

#include <charconv>

#include "base/error.h"
#include "base/xml.h"
#include "cpu/cpu_xml.h"
#include "model/domain/domain.h"
#include "qemu/guest.h"
#include "qemu/migration/state.h"

namespace bv::qemu {
namespace {

int Number(std::string_view text, int fallback) {
  int value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void Element(xml::Writer& out, const char* name, const char* attribute, std::string_view value) {
  out.Open(name);
  out.Attr(attribute, value);
  out.Close(name);
}

void WriteThreads(xml::Writer& out, const Guest& guest) {
  out.Open("vcpus");
  for (auto& vcpu : guest.vcpus) {
    if (!vcpu.tid) continue;
    out.Open("vcpu");
    out.Attr("id", std::to_string(vcpu.id));
    out.Attr("pid", std::to_string(vcpu.tid));
    out.Close("vcpu");
  }
  out.Close("vcpus");
}

}  // namespace

std::string FormatStatus(const Domain& domain) {
  auto& guest = *domain.guest;
  xml::Writer out;
  out.Open("domstatus");
  out.Attr("state", StateName(domain.state()));
  out.Attr("reason", ReasonName(domain.state(), domain.reason()));
  out.Attr("pid", std::to_string(guest.pid));
  for (auto taint : guest.taints) Element(out, "taint", "flag", TaintName(taint));
  out.Open("monitor");
  out.Attr("path", guest.monitor_path);
  out.Attr("type", "unix");
  out.Close("monitor");
  WriteThreads(out, guest);
  if (guest.caps) {
    out.Open("qemuCaps");
    for (auto flag : guest.caps->FlagNames()) Element(out, "flag", "name", flag);
    out.Close("qemuCaps");
  }
  if (auto async = domain.jobs.async(); async != AsyncJob::kNone) {
    out.Open("job");
    out.Attr("type", JobName(domain.jobs.active()));
    out.Attr("async", AsyncJobName(async));
    if (auto& migration = domain.migration) {
      out.Attr("phase", PhaseName(migration->phase));
      out.Attr("flags", fmt::format("0x{:x}", migration->flags));
      out.Attr("asyncStarted", std::to_string(migration->began_ms));
    }
    out.Close("job");
  }
  if (guest.fake_reboot) out.EmptyElement("fakereboot");
  out.Open("devices");
  for (auto& alias : guest.devices) Element(out, "device", "alias", alias);
  out.Close("devices");
  Element(out, "libDir", "path", guest.lib_dir);
  Element(out, "channelTargetDir", "path", guest.channel_dir);
  if (guest.output_through_logd) out.EmptyElement("chardevStdioLogd");
  if (guest.remember_owner) out.EmptyElement("rememberOwner");
  Element(out, "nodename", "index", std::to_string(guest.next_node));
  Element(out, "fdset", "index", std::to_string(guest.next_fdset));
  Element(out, "blockjobs", "active", guest.block_jobs.empty() ? "no" : "yes");
  out.TextElement("agentTimeout", std::to_string(domain.agent_timeout));
  if (guest.original_cpu) out.Verbatim(cpu::FormatCpu(*guest.original_cpu));
  model::FormatDomain(domain.def(), model::kFormatStatus | model::kFormatSecure, out);
  out.Close("domstatus");
  return out.Take();
}

GuestStatus ParseStatus(std::string_view text) {
  auto document = xml::Document::Parse(text, ErrorDomain::kDomain, "domain_status", "domstatus");
  auto& root = document.root();
  GuestStatus status;
  status.state = ParseState(root.AttrOr("state")).value_or(State::kNone);
  status.reason = ParseReason(status.state, root.AttrOr("reason"));
  status.pid = Number(root.AttrOr("pid"), -1);
  auto path = [&](const char* element) {
    auto* node = root.Child(element);
    return node ? std::string(node->AttrOr("path")) : std::string();
  };
  status.monitor_path = path("monitor");
  status.lib_dir = path("libDir");
  status.channel_dir = path("channelTargetDir");
  status.fake_reboot = root.Child("fakereboot") != nullptr;
  status.remember_owner = root.Child("rememberOwner") != nullptr;
  status.output_through_logd = root.Child("chardevStdioLogd") != nullptr;
  status.agent_timeout = Number(root.ChildText("agentTimeout").value_or("-2"), -2);
  if (auto* node = root.Child("nodename")) status.next_node = static_cast<unsigned>(Number(node->AttrOr("index"), 0));
  if (auto* node = root.Child("fdset")) status.next_fdset = static_cast<unsigned>(Number(node->AttrOr("index"), 0));
  if (auto* vcpus = root.Child("vcpus")) {
    for (auto* vcpu = vcpus->Child("vcpu"); vcpu; vcpu = vcpu->Next("vcpu"))
      status.vcpus.emplace_back(Number(vcpu->AttrOr("id"), 0), Number(vcpu->AttrOr("pid"), 0));
  }
  for (auto* node = root.Child("taint"); node; node = node->Next("taint")) {
    if (auto taint = ParseTaint(node->AttrOr("flag"))) status.taints.insert(*taint);
  }
  if (auto* devices = root.Child("devices")) {
    for (auto* device = devices->Child("device"); device; device = device->Next("device"))
      status.devices.emplace_back(device->AttrOr("alias"));
  }
  if (auto* job = root.Child("job")) {
    status.migrating_out = job->AttrOr("async") == AsyncJobName(AsyncJob::kMigrationOut);
    status.migrating_in = job->AttrOr("async") == AsyncJobName(AsyncJob::kMigrationIn);
    status.phase = ParsePhase(job->AttrOr("phase")).value_or(MigrationPhase::kNone);
  }
  if (auto* node = root.Child("cpu")) {
    xml::Writer copy;
    copy.Copy(*node);
    status.original_cpu = std::make_unique<model::CpuDef>(cpu::ParseCpu(copy.Take(), model::CpuType::kGuest));
  }
  auto* domain = root.Child("domain");
  if (!domain || status.monitor_path.empty())
    throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, "incomplete domain status");
  status.def = std::make_unique<model::DomainDef>(model::ParseDomain(*domain, model::kParseStatus));
  return status;
}

}  // namespace bv::qemu
