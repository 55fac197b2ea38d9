#include "model/domain/chardev.h"

#include "model/domain/chardev_parts.h"
#include "model/domain/descriptions.h"
#include "model/domain/storage_parts.h"

namespace bv::model {

namespace {

using S = ChardevSource;
using T = ChardevType;

bool TakesPath(T type) { return type == T::kPty || type == T::kDev || type == T::kFile || type == T::kPipe; }

void ReadOneSource(Parser& p, S& s, const xml::Node& node) {
  std::string_view mode = node.AttrOr("mode");
  bool socket = s.type == T::kUnix || s.type == T::kTcp || s.type == T::kUdp;
  if (socket && node.Attr("mode") && mode != "bind" && mode != "connect") p.BadAttribute(node, "mode", mode);
  bool bind = mode == "bind";
  switch (s.type) {
    case T::kPty:
      if (!p.inactive()) s.path = node.AttrOr("path");
      break;
    case T::kDev:
    case T::kFile:
    case T::kPipe:
      s.path = node.AttrOr("path");
      p.Value(node, "append", s.append);
      break;
    case T::kUnix:
      s.listen = bind;
      s.path = node.AttrOr("path");
      if (const xml::Node* reconnect = node.Child("reconnect")) p.Read(kReconnect, s.reconnect, *reconnect);
      break;
    case T::kTcp:
      s.listen = bind;
      s.host = node.AttrOr("host");
      s.service = node.AttrOr("service");
      p.Value(node, "tls", s.tls);
      if (p.status()) {
        unsigned from_config = 0;
        p.Value(node, "tlsFromConfig", from_config);
        s.tls_from_config = from_config;
      }
      if (const xml::Node* reconnect = node.Child("reconnect")) p.Read(kReconnect, s.reconnect, *reconnect);
      break;
    case T::kUdp:
      (bind ? s.bind_host : s.connect_host) = node.AttrOr("host");
      (bind ? s.bind_service : s.connect_service) = node.AttrOr("service");
      break;
    case T::kNmdm:
      s.master = node.AttrOr("master");
      s.slave = node.AttrOr("slave");
      break;
    case T::kSpiceport:
    case T::kDbus:
      s.path = node.AttrOr("channel");
      break;
    case T::kQemuVdagent:
      if (const xml::Node* mouse = node.Child("mouse")) p.Value(*mouse, "mode", s.mouse, Fault::kXml, kRequired | kNonZero);
      if (const xml::Node* clipboard = node.Child("clipboard")) p.Value(*clipboard, "copypaste", s.copypaste, Fault::kXml, kRequired);
      break;
    default:
      break;
  }
  bool labelled = TakesPath(s.type) || s.type == T::kUnix;
  for (const xml::Node* label = labelled ? node.Child("seclabel") : nullptr; label; label = label->Next("seclabel")) {
    p.Read(kDeviceSeclabel, s.seclabels.emplace_back(), *label);
  }
}

void WritePath(Formatter& f, const S& s, std::string_view attribute, bool with_labels) {
  auto mark = f.out().Open("source");
  if (!s.path.empty() && !(s.type == T::kPty && f.inactive())) f.Attr(attribute, s.path);
  if (TakesPath(s.type) && s.append != OnOff::kAbsent) f.Attr("append", ToString(s.append));
  if (with_labels) {
    WriteDeviceSeclabels(f, s.seclabels);
  }
  f.out().CloseUnlessEmpty("source", mark);
}

void WriteUdpEnd(Formatter& f, const char* mode, const std::string& host, const std::string& service) {
  if (host.empty() && service.empty()) return;
  f.out().Open("source");
  f.Attr("mode", mode);
  if (!host.empty()) f.Attr("host", host);
  if (!service.empty()) f.Attr("service", service);
  f.out().Close("source");
}

void WriteSocket(Formatter& f, const S& s) {
  f.out().Open("source");
  f.Attr("mode", s.listen ? "bind" : "connect");
  if (s.type == T::kUnix) {
    f.Attr("path", s.path);
    WriteDeviceSeclabels(f, s.seclabels);
  } else {
    f.Attr("host", s.host);
    f.Attr("service", s.service);
    if (s.tls != YesNo::kAbsent && !((f.flags() & kFormatMigratable) && s.tls_from_config)) f.Attr("tls", ToString(s.tls));
    if (f.status()) f.Attr("tlsFromConfig", static_cast<std::uint64_t>(s.tls_from_config));
  }
  f.WriteUnlessEmpty("reconnect", kReconnect, s.reconnect);
  f.out().Close("source");
}

void WriteAgent(Formatter& f, const S& s) {
  auto mark = f.out().Open("source");
  if (s.copypaste != YesNo::kAbsent) {
    f.out().Open("clipboard");
    f.Attr("copypaste", ToString(s.copypaste));
    f.out().Close("clipboard");
  }
  if (s.mouse != MouseMode::kDefault) {
    f.out().Open("mouse");
    f.Attr("mode", ToString(s.mouse));
    f.out().Close("mouse");
  }
  f.out().CloseUnlessEmpty("source", mark);
}

}  // namespace

void ReadChardevSource(Parser& p, S& s, const xml::Node& element) {
  std::size_t sources = element.CountChildren("source");
  if (sources > 1 && s.type != T::kUdp) p.FailBeyondSchema(Fault::kDomainXml, "only one source element is allowed for character device");
  if (sources > 2) p.FailBeyondSchema(Fault::kDomainXml, "only two source elements are allowed for character device");
  for (const xml::Node* node = element.Child("source"); node; node = node->Next("source")) ReadOneSource(p, s, *node);
  if (const xml::Node* protocol = element.Child("protocol")) {
    if (protocol->Next("protocol")) p.Fail(Fault::kDomainXml, "only one protocol element is allowed for character device");
    if (s.type == T::kTcp) p.Value(*protocol, "type", s.protocol, Fault::kUnsupported);
  }
  if (const xml::Node* log = element.Child("log")) {
    if (log->Next("log")) p.Fail(Fault::kDomainXml, "only one log element is allowed for character device");
    s.log_file = log->AttrOr("file");
    p.Value(*log, "append", s.log_append);
  }
}

void CheckChardevSource(const S& s, bool may_lack_path) {
  auto fail = [](ErrorCode code, std::string message) { throw Error(ErrorDomain::kDomain, code, std::move(message)); };
  auto need = [&](const std::string& value, const char* what) {
    if (value.empty()) fail(ErrorCode::kInternalError, std::string("Missing source ") + what + " attribute for char device");
  };
  switch (s.type) {
    case T::kDev:
    case T::kFile:
    case T::kPipe: need(s.path, "path"); break;
    case T::kNmdm:
      if (s.master.empty() != s.slave.empty()) fail(ErrorCode::kInternalError, "Should define both master and slave path attributes for nmdm device");
      break;
    case T::kTcp:
      need(s.host, "host");
      need(s.service, "service");
      break;
    case T::kUdp: need(s.connect_service, "service"); break;
    case T::kUnix:
      if (!may_lack_path) need(s.path, "path");
      break;
    case T::kDbus:
      if (s.path.empty() && !may_lack_path) fail(ErrorCode::kConfigUnsupported, "Missing source channel attribute for char device");
      break;
    case T::kSpiceport:
      if (s.path.empty()) fail(ErrorCode::kConfigUnsupported, "Missing source channel attribute for char device");
      break;
    default: break;
  }
  if (s.listen && s.reconnect.enabled == YesNo::kYes) fail(ErrorCode::kInternalError, "chardev reconnect is possible only for connect mode");
}

void WriteChardevSource(Formatter& f, const S& s) {
  switch (s.type) {
    case T::kPty:
    case T::kDev:
    case T::kFile:
    case T::kPipe: WritePath(f, s, "path", true); break;
    case T::kSpiceport:
    case T::kDbus: WritePath(f, s, "channel", false); break;
    case T::kUdp:
      WriteUdpEnd(f, "bind", s.bind_host, s.bind_service);
      WriteUdpEnd(f, "connect", s.connect_host, s.connect_service);
      break;
    case T::kTcp:
      WriteSocket(f, s);
      f.out().Open("protocol");
      f.Attr("type", ToString(s.protocol));
      f.out().Close("protocol");
      break;
    case T::kUnix:
      if (!s.path.empty()) WriteSocket(f, s);
      break;
    case T::kNmdm:
      if (s.master.empty()) break;
      f.out().Open("source");
      f.Attr("master", s.master);
      f.Attr("slave", s.slave);
      f.out().Close("source");
      break;
    case T::kQemuVdagent: WriteAgent(f, s); break;
    default: break;
  }
  if (!s.log_file.empty()) {
    f.out().Open("log");
    f.Attr("file", s.log_file);
    if (s.log_append != OnOff::kAbsent) f.Attr("append", ToString(s.log_append));
    f.out().Close("log");
  }
}

namespace {

using C = Chardev;

void ReadSource(Parser& p, C& c, const xml::Node& element) {
  c.source.type = T::kPty;
  bool typed = p.Value(element, "type", c.source.type, Fault::kUnsupported, kNonZero);
  if (!typed && p.validating() && c.kind != ChardevKind::kConsole) p.Fail(Fault::kDomainXml, xml::PathOf(element) + ": missing attribute 'type'");
  ReadChardevSource(p, c.source, element);
}
void WriteSource(Formatter& f, const C& c) { WriteChardevSource(f, c.source); }
void WriteType(Formatter& f, const C& c) {
  if (c.source.type != T::kNone) f.Attr("type", ToString(c.source.type));
  bool console_tty = c.kind == ChardevKind::kConsole && c.source.type == T::kPty && !f.inactive() && !c.source.path.empty();
  if (console_tty) f.Attr("tty", c.source.path);
}

template <ChardevKind K>
void SetKind(Parser&, C& c, const xml::Node&) {
  c.kind = K;
}

// -1 stands for "choose one".
void ReadPort(Parser& p, C& c, const xml::Node& target) {
  auto text = target.Attr("port");
  if (!text) return;
  auto number = ParseNumber<std::int64_t>(*text);
  if (!number || *number < -1 || *number > 0xFFFFFFFFLL) p.FailBeyondSchema(Fault::kDomainXml, "Invalid port number: " + std::string(*text));
  if (*number >= 0) c.port = static_cast<unsigned>(*number);
}
void WritePort(Formatter& f, const C& c) {
  if (c.port) f.Attr("port", *c.port);
}

bool HasSerialModel(const C& c) { return c.serial_model != SerialModel::kNone; }
constexpr RowOf<C> kSerialModelRows[] = {Attr<&C::serial_model>("name").With(kEmptyIsAbsent).NonZero().Fails(Fault::kUnsupported)};
constexpr RowOf<C> kSerialTargetRows[] = {
    Attr<&C::serial_target>("type").NonZero().Fails(Fault::kUnsupported),
    Custom<&ReadPort, &WritePort>("@port"),
    Group("model", kSerialModelRows).WhenWriting<&HasSerialModel>(),
};
// The schema has one kind of target for most of them; what a kind has no use for is ignored.
void Ignore(Parser&, C&, const xml::Node&) {}
void WriteNothing(Formatter&, const C&) {}
constexpr RowOf<C> kParallelTargetRows[] = {
    Custom<&ReadPort, &WritePort>("@port"),
    Custom<&Ignore, &WriteNothing>("@type model"),
};
constexpr RowOf<C> kConsoleTargetRows[] = {
    Attr<&C::console_target>("type").SkipZero().Fails(Fault::kUnsupported),
    Custom<&ReadPort, &WritePort>("@port"),
    Custom<&Ignore, &WriteNothing>("model"),
};

bool IsGuestfwd(const C& c) { return c.channel_target == ChannelTarget::kGuestfwd; }
bool IsNamed(const C& c) { return c.channel_target == ChannelTarget::kVirtio || c.channel_target == ChannelTarget::kXen; }
constexpr RowOf<C> kChannelTargetRows[] = {
    Attr<&C::channel_target>("type").Required().NonZero().Fails(Fault::kUnsupported),
    Attr<&C::fwd_address>("address").Required().Fails(Fault::kDomainXml).When<&IsGuestfwd>(),
    Attr<&C::fwd_port>("port").Required().When<&IsGuestfwd>(),
    Attr<&C::target_name>("name").When<&IsNamed>(),
    Attr<&C::state>("state").NonZero().LiveOnly().When<&IsNamed>(),
};

// Kind by kind the same but for the target.
#define BV_CHARDEV_ROWS(kind_value, target_row)                                                 \
  {                                                                                             \
    Custom<&SetKind<kind_value>, &WriteType>("@type @tty"),                                     \
    Custom<&ReadSource, &WriteSource>("source protocol log"),                                   \
    target_row,                                                                                 \
    Include<&C::info>(kDeviceInfo),                                                             \
  }
constexpr RowOf<C> kSerialRows[] = BV_CHARDEV_ROWS(ChardevKind::kSerial, Group("target", kSerialTargetRows));
constexpr RowOf<C> kParallelRows[] = BV_CHARDEV_ROWS(ChardevKind::kParallel, Group("target", kParallelTargetRows));
constexpr RowOf<C> kConsoleRows[] = BV_CHARDEV_ROWS(ChardevKind::kConsole, Group("target", kConsoleTargetRows));
constexpr RowOf<C> kChannelRows[] =
    BV_CHARDEV_ROWS(ChardevKind::kChannel, Group("target", kChannelTargetRows).Required().Fails(Fault::kDomainXml));
#undef BV_CHARDEV_ROWS

void CheckChardev(Parser& p, C& c, const xml::Node&) {
  bool guest_agent = c.kind == ChardevKind::kChannel && c.channel_target == ChannelTarget::kVirtio;
  bool usb = c.kind == ChardevKind::kSerial && c.serial_target == SerialTarget::kUsb;
  if (c.source.type == T::kSpicevmc && !guest_agent && !usb) p.FailBeyondSchema(Fault::kUnsupported, "spicevmc device type only supports virtio");
  if (c.channel_target == ChannelTarget::kGuestfwd && c.fwd_port > 65535) p.Fail(Fault::kDomainXml, "Invalid port number: " + std::to_string(c.fwd_port));
}

}  // namespace

constinit const Description<Chardev> kSerial = Describe<&CheckChardev>(kSerialRows);
constinit const Description<Chardev> kParallel = Describe<&CheckChardev>(kParallelRows);
constinit const Description<Chardev> kConsole = Describe<&CheckChardev>(kConsoleRows);
constinit const Description<Chardev> kChannel = Describe<&CheckChardev>(kChannelRows);

}  // namespace bv::model
