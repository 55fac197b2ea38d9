#include "model/domain/char_backed.h"

#include <fmt/core.h>

#include "model/domain/chardev_parts.h"
#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// --- <smartcard> ---------------------------------------------------------------------------------------

constexpr std::size_t kCertificates = 3;

bool WithCertificates(const Smartcard& s) { return s.mode == SmartcardMode::kHostCertificates; }
bool IsPassthrough(const Smartcard& s) { return s.mode == SmartcardMode::kPassthrough; }

void ReadPassthrough(Parser& p, Smartcard& s, const xml::Node& element) {
  if (!p.Value(element, "type", s.passthrough.type, Fault::kUnsupported, kNonZero)) {
    p.Fail(Fault::kDomainXml, "passthrough mode requires a character device type attribute");
  }
  ReadChardevSource(p, s.passthrough, element);
}
void WritePassthroughType(Formatter& f, const Smartcard& s) { f.Attr("type", ToString(s.passthrough.type)); }
void WritePassthrough(Formatter& f, const Smartcard& s) { WriteChardevSource(f, s.passthrough); }
void Nothing(Parser&, Smartcard&, const xml::Node&) {}

constexpr RowOf<Smartcard> kSmartcardRows[] = {
    Attr<&Smartcard::mode>("mode").Required(),
    Custom<&Nothing, &WritePassthroughType>("@type").When<&IsPassthrough>(),
    TextList<&Smartcard::certificates>("certificate").When<&WithCertificates>(),
    TextChild<&Smartcard::database>("database").When<&WithCertificates>(),
    Custom<&ReadPassthrough, &WritePassthrough>("source protocol log").When<&IsPassthrough>(),
    Include<&Smartcard::info>(kDeviceInfo),
};
void CheckSmartcard(Parser& p, Smartcard& s, const xml::Node&) {
  if (!WithCertificates(s)) return;
  if (s.certificates.size() != kCertificates) p.Fail(Fault::kDomainXml, "host-certificates mode needs exactly three certificates");
  if (!s.database.empty() && s.database[0] != '/') p.Fail(Fault::kDomainXml, "expecting absolute path: " + s.database);
}

// --- <redirdev>, <redirfilter> --------------------------------------------------------------------------

void ReadRedirSource(Parser& p, Redirdev& r, const xml::Node& element) {
  if (!p.Value(element, "type", r.source.type, Fault::kUnsupported, kNonZero)) p.Fail(Fault::kInternal, "redirdev needs a type");
  ReadChardevSource(p, r.source, element);
}
void WriteRedirType(Formatter& f, const Redirdev& r) { f.Attr("type", ToString(r.source.type)); }
void WriteRedirSource(Formatter& f, const Redirdev& r) { WriteChardevSource(f, r.source); }
void NothingR(Parser&, Redirdev&, const xml::Node&) {}

constexpr RowOf<Redirdev> kRedirdevRows[] = {
    Attr<&Redirdev::bus>("bus").Fails(Fault::kUnsupported),
    Custom<&NothingR, &WriteRedirType>("@type"),
    Custom<&ReadRedirSource, &WriteRedirSource>("source protocol log"),
    Include<&Redirdev::info>(kDeviceInfo),
};
void CheckRedirdev(Parser& p, Redirdev& r, const xml::Node&) {
  if (r.bus == RedirdevBus::kUsb) CheckUsbPlace(p, r.info);
}

// "1.10" is 0x0110; -1 is any.
void ReadVersion(Parser& p, RedirfilterUsb& usb, const xml::Node& element) {
  auto text = element.Attr("version");
  if (!text || *text == "-1") return;
  std::size_t dot = text->find('.');
  auto major = ParseNumber<std::uint32_t>(text->substr(0, dot));
  auto minor = dot == std::string_view::npos ? std::optional<std::uint32_t>(0) : ParseNumber<std::uint32_t>(text->substr(dot + 1));
  if (!major || !minor || *major > 99 || *minor > 99) p.FailBeyondSchema(Fault::kDomainXml, "Cannot parse USB device version " + std::string(*text));
  auto bcd = [](unsigned n) { return (n / 10) << 4 | (n % 10); };
  usb.version = static_cast<int>(bcd(*major) << 8 | bcd(*minor));
}
void ReadId(Parser& p, const xml::Node& element, const char* name, int& id, int max) {
  auto text = element.Attr(name);
  if (!text || *text == "-1") return;
  auto number = ParseNumber<std::int32_t>(*text, 0);
  if (!number) p.BadAttribute(element, name, *text, "integer value");
  if (*number < 0 || *number > max) p.Fail(Fault::kInternal, std::string("Cannot parse USB ") + name + " id " + std::string(*text));
  id = *number;
}
void ReadUsbFilter(Parser& p, RedirfilterUsb& usb, const xml::Node& element) {
  ReadId(p, element, "class", usb.usb_class, 0xFF);
  ReadId(p, element, "vendor", usb.vendor, 0xFFFF);
  ReadId(p, element, "product", usb.product, 0xFFFF);
  ReadVersion(p, usb, element);
}
void WriteUsbFilter(Formatter& f, const RedirfilterUsb& usb) {
  if (usb.usb_class >= 0) f.Attr("class", fmt::format("0x{:02X}", usb.usb_class));
  if (usb.vendor >= 0) f.Attr("vendor", fmt::format("0x{:04X}", usb.vendor));
  if (usb.product >= 0) f.Attr("product", fmt::format("0x{:04X}", usb.product));
  if (usb.version >= 0) f.Attr("version", fmt::format("{:x}.{:02x}", usb.version >> 8, usb.version & 0xFF));
}
constexpr RowOf<RedirfilterUsb> kUsbFilterRows[] = {
    Custom<&ReadUsbFilter, &WriteUsbFilter>("@class @vendor @product @version"),
    Attr<&RedirfilterUsb::allow>("allow").Required(),
};
constexpr Description<RedirfilterUsb> kUsbFilter{kUsbFilterRows};
constexpr RowOf<Redirfilter> kRedirfilterRows[] = {Child<&Redirfilter::usb>("usbdev", kUsbFilter)};

// --- <rng> -----------------------------------------------------------------------------------------------

constexpr RowOf<Rng> kRateRows[] = {
    Attr<&Rng::rate_bytes>("bytes").With(kEmptyIsAbsent).Fails(Fault::kDomainXml),
    Attr<&Rng::rate_period>("period").With(kEmptyIsAbsent).Fails(Fault::kDomainXml),
};
bool HasRate(const Rng& rng) { return rng.rate_bytes != 0; }
constexpr RowOf<Rng> kRngDriverRows[] = {Include<&Rng::virtio>(kVirtioOptions)};

void ReadRngBackend(Parser& p, Rng& rng, const xml::Node& element) {
  const xml::Node* backend = element.Child("backend");
  if (!backend) p.Fail(Fault::kDomainXml, "missing RNG device backend");
  if (backend->Next("backend")) p.Fail(Fault::kDomainXml, "only one RNG backend is supported");
  if (!p.Value(*backend, "model", rng.backend, Fault::kUnsupported)) p.Fail(Fault::kDomainXml, "an RNG backend needs a model");
  if (rng.backend == RngBackend::kRandom) {
    rng.path = backend->text;
  } else if (rng.backend == RngBackend::kEgd) {
    if (!p.Value(*backend, "type", rng.source.type, Fault::kUnsupported, kNonZero)) p.Fail(Fault::kDomainXml, "an EGD backend needs a type");
    ReadChardevSource(p, rng.source, *backend);
  }
}
void WriteRngBackend(Formatter& f, const Rng& rng) {
  f.out().Open("backend");
  f.Attr("model", ToString(rng.backend));
  if (rng.backend == RngBackend::kRandom) {
    if (!rng.path.empty()) f.out().TextContent(rng.path);
  } else if (rng.backend == RngBackend::kEgd) {
    f.Attr("type", ToString(rng.source.type));
    WriteChardevSource(f, rng.source);
  }
  f.out().Close("backend");
}
constexpr RowOf<Rng> kRngRows[] = {
    Attr<&Rng::model>("model").Required().NonZero().Fails(Fault::kUnsupported).FailsMissing(Fault::kDomainXml),
    Group("rate", kRateRows).WhenWriting<&HasRate>(),
    Custom<&ReadRngBackend, &WriteRngBackend>("backend"),
    Group("driver", kRngDriverRows),
    Include<&Rng::info>(kDeviceInfo),
};

// --- <tpm> -----------------------------------------------------------------------------------------------

void ReadTpmBackend(Parser& p, Tpm& tpm, const xml::Node& element) {
  const xml::Node* backend = element.Child("backend");
  if (!backend) p.Fail(Fault::kDomainXml, "missing TPM device backend");
  if (backend->Next("backend")) p.Fail(Fault::kDomainXml, "only one TPM backend is supported");
  p.Value(*backend, "type", tpm.backend, Fault::kXml, kRequired);
  p.Value(*backend, "version", tpm.version, Fault::kXml, kNonZero);
  switch (tpm.backend) {
    case TpmBackend::kPassthrough:
      tpm.source.type = ChardevType::kDev;
      if (const xml::Node* device = backend->Child("device")) tpm.source.path = device->AttrOr("path");
      if (tpm.source.path.empty()) tpm.source.path = "/dev/tpm0";
      break;
    case TpmBackend::kEmulator:
      p.Value(*backend, "persistent_state", tpm.persistent_state);
      if (const xml::Node* encryption = backend->Child("encryption")) {
        tpm.encryption_secret = Uuid::Parse(encryption->AttrOr("secret"));
        if (!tpm.encryption_secret) p.Fail(Fault::kInternal, "Unable to parse secret uuid '" + std::string(encryption->AttrOr("secret")) + "'");
      }
      if (const xml::Node* banks = backend->Child("active_pcr_banks")) {
        for (const xml::Node* bank = banks->first_child; bank; bank = bank->next) {
          if (auto known = FromString<TpmPcrBank>(bank->name)) tpm.active_pcr_banks |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(*known));
        }
      }
      break;
    case TpmBackend::kExternal: {
      const xml::Node* source = backend->Child("source");
      if (!source) p.Fail(Fault::kDomainXml, "missing external TPM backend source");
      // An empty type is none at all here.
      if (source->AttrOr("type").empty()) p.Fail(Fault::kDomainXml, "an external TPM backend needs a type");
      p.Value(*source, "type", tpm.source.type, Fault::kUnsupported, kNonZero);
      if (tpm.source.type != ChardevType::kUnix) p.Fail(Fault::kDomainXml, "an external TPM is reached by a unix socket only");
      if (!source->Attr("path")) p.Fail(Fault::kDomainXml, "an external TPM needs the path of its socket");
      ReadChardevSource(p, tpm.source, *backend);
      break;
    }
  }
}
void WriteTpmBackend(Formatter& f, const Tpm& tpm) {
  f.out().Open("backend");
  f.Attr("type", ToString(tpm.backend));
  switch (tpm.backend) {
    case TpmBackend::kPassthrough:
      f.out().Open("device");
      f.Attr("path", tpm.source.path);
      f.out().Close("device");
      break;
    case TpmBackend::kEmulator:
      if (tpm.version != TpmVersion::kDefault) f.Attr("version", ToString(tpm.version));
      if (tpm.persistent_state == YesNo::kYes) f.Attr("persistent_state", "yes");
      if (tpm.encryption_secret) {
        f.out().Open("encryption");
        f.Attr("secret", tpm.encryption_secret->ToString());
        f.out().Close("encryption");
      }
      if (tpm.active_pcr_banks) {
        f.out().Open("active_pcr_banks");
        for (unsigned i = 0; i < std::size(Spelling<TpmPcrBank>::kNames); ++i) {
          if (tpm.active_pcr_banks >> i & 1) f.out().EmptyElement(Spelling<TpmPcrBank>::kNames[i]);
        }
        f.out().Close("active_pcr_banks");
      }
      break;
    case TpmBackend::kExternal:
      f.out().Open("source");
      f.Attr("type", ToString(tpm.source.type));
      f.Attr("mode", tpm.source.listen ? "bind" : "connect");
      f.Attr("path", tpm.source.path);
      f.out().Close("source");
      break;
  }
  f.out().Close("backend");
}
constexpr RowOf<Tpm> kTpmRows[] = {
    Attr<&Tpm::model>("model").SkipZero(),
    Custom<&ReadTpmBackend, &WriteTpmBackend>("backend"),
    Include<&Tpm::info>(kDeviceInfo),
};

}  // namespace

constinit const Description<Smartcard> kSmartcard = Describe<&CheckSmartcard>(kSmartcardRows);
constinit const Description<Redirdev> kRedirdev = Describe<&CheckRedirdev>(kRedirdevRows);
constinit const Description<Redirfilter> kRedirfilter{kRedirfilterRows};
constinit const Description<Rng> kRng{kRngRows};
constinit const Description<Tpm> kTpm{kTpmRows};

}  // namespace bv::model
