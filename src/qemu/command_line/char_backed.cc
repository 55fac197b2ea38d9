#include "qemu/command_line/chardev.h"
#include "qemu/command_line/device.h"
#include "qemu/command_line/small_devices.h"

namespace bv::qemu {

using namespace model;

DeviceParts DescribeRng(const Rng& rng, const Context& context) {
  DeviceParts parts;
  const std::string& alias = rng.info.alias;
  switch (rng.backend) {
    case RngBackend::kRandom:
      parts.objects.push_back(Props::Object("rng-random", "obj" + alias).Add("filename", rng.path));
      break;
    case RngBackend::kEgd:
      parts.objects.push_back(Props::Object("rng-egd", "obj" + alias).Add("chardev", "char" + alias));
      break;
    case RngBackend::kBuiltin:
      parts.objects.push_back(Props::Object("rng-builtin", "obj" + alias));
      break;
  }
  Props props = VirtioDevice("virtio-rng", rng.info, rng.model, rng.virtio, context);
  props.Add("rng", "obj" + alias).Add("id", alias);
  if (rng.rate_bytes) {
    constexpr unsigned kOneSecond = 1000;
    props.Add("max-bytes", rng.rate_bytes).Add("period", rng.rate_period ? rng.rate_period : kOneSecond);
  }
  AddAddress(&props, rng.info, context);
  parts.device = std::move(props);
  return parts;
}

void AddRng(const Rng& rng, const Context& context, CommandLine* out) {
  if (rng.backend == RngBackend::kEgd) AddChardev(rng.source, rng.info.alias, "vdagent", context, out);
  DeviceParts parts = DescribeRng(rng, context);
  for (auto& object : parts.objects) out->Object(object);
  AddDevice(*parts.device, rng.info, context, out);
}

void AddRngs(const Context& context, CommandLine* out) {
  for (auto& rng : context.def.rngs) AddRng(*rng, context, out);
}

Props DescribeRedirdev(const Redirdev& redirdev, const Context& context) {
  Props props = Props::Device("usb-redir").Add("chardev", "char" + redirdev.info.alias).Add("id", redirdev.info.alias);
  if (context.def.redirfilter && !context.def.redirfilter->usb.empty()) {
    std::string rules;
    auto number = [](int value, int digits) { return value < 0 ? std::string("-1") : fmt::format("0x{:0{}X}", value, digits); };
    for (auto& rule : context.def.redirfilter->usb) {
      if (!rules.empty()) rules += '|';
      rules += fmt::format("{}:{}:{}:{}:{:d}", number(rule.usb_class, 2), number(rule.vendor, 4), number(rule.product, 4),
                           number(rule.version, 4), rule.allow == YesNo::kYes);
    }
    props.Add("filter", rules);
  }
  AddBootIndex(&props, redirdev.info, context);
  AddAddress(&props, redirdev.info, context);
  return props;
}

void AddRedirdev(const Redirdev& redirdev, const Context& context, CommandLine* out) {
  AddChardev(redirdev.source, redirdev.info.alias, "usbredir", context, out);
  AddDevice(DescribeRedirdev(redirdev, context), redirdev.info, context, out);
}

void AddRedirdevs(const Context& context, CommandLine* out) {
  for (auto& redirdev : context.def.redirdevs) AddRedirdev(*redirdev, context, out);
}

void AddSmartcards(const Context& context, CommandLine* out) {
  for (auto& card : context.def.smartcards) {
    const DeviceInfo& info = card->info;
    Props props;
    switch (card->mode) {
      case SmartcardMode::kHost:
        props = Props::Device("ccid-card-emulated").Add("backend", "nss-emulated");
        break;
      case SmartcardMode::kHostCertificates: {
        props = Props::Device("ccid-card-emulated").Add("backend", "certificates");
        constexpr const char* kKeys[] = {"cert1", "cert2", "cert3"};
        for (std::size_t i = 0; i < std::size(kKeys) && i < card->certificates.size(); ++i) props.Add(kKeys[i], card->certificates[i]);
        props.Add("db", card->database.empty() ? "/etc/pki/nssdb" : card->database);
        break;
      }
      case SmartcardMode::kPassthrough:
        AddChardev(card->passthrough, info.alias, "smartcard", context, out);
        props = Props::Device("ccid-card-passthru").Add("chardev", "char" + info.alias);
        break;
    }
    unsigned controller = info.address.type == AddressType::kCcid ? info.address.ccid.controller : 0;
    std::string alias = ControllerAlias(ControllerType::kCcid, controller, context);
    props.Add("id", info.alias).Add("bus", (alias.empty() ? fmt::format("ccid{}", controller) : alias) + ".0");
    AddDevice(std::move(props), info, context, out);
  }
}

void AddTpms(const Context& context, CommandLine* out) {
  for (auto& tpm : context.def.tpms) {
    const std::string& alias = tpm->info.alias;
    if (tpm->model == TpmModel::kSpaprProxy) {
      Props props = Props::Device("spapr-tpm-proxy").Add("id", alias).Add("host-path", tpm->source.path);
      AddDevice(std::move(props), tpm->info, context, out);
      continue;
    }
    auto fds = context.options.fds.find(alias);
    if (tpm->backend == TpmBackend::kPassthrough) {
      OptionString option("passthrough");
      option.Add("id", "tpm-" + alias);
      if (fds != context.options.fds.end()) {
        option.Add("path", out->AddFdSet(fds->second.file, alias + "-tpm"));
        option.Add("cancel-path", out->AddFdSet(fds->second.log, alias + "-cancel"));
      } else if (context.host.FileExists(tpm->source.path)) {
        // Only looked at: placeholders for what a start would open.
        option.Add("path", out->AddFdSet(0, alias + "-tpm")).Add("cancel-path", out->AddFdSet(0, alias + "-cancel"));
      } else {
        throw SystemError(ErrorDomain::kQemu, ENOENT, "Could not open TPM device " + tpm->source.path);
      }
      out->Option("-tpmdev", option);
    } else {
      out->Option("-chardev", OptionString("socket").Add("id", "chrtpm").Add("path", tpm->source.path));
      out->Option("-tpmdev", OptionString("emulator").Add("id", "tpm-" + alias).Add("chardev", "chrtpm"));
    }
    Props props = Props::Device(ToString(tpm->model)).Add("tpmdev", "tpm-" + alias).Add("id", alias);
    AddAddress(&props, tpm->info, context);
    AddDevice(std::move(props), tpm->info, context, out);
  }
}

}  // namespace bv::qemu
