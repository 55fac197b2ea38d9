#include <algorithm>

#include "qemu/command_line/display.h"
#include "qemu/command_line/paths.h"
#include "qemu/command_line/tls.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr int kVncPortMin = 5900, kVncPortMax = 65535;

const GraphicsListen& FirstListen(const Graphics& graphics) {
  if (graphics.listens.empty()) throw Internal("missing listen element");
  return graphics.listens.front();
}

// The audio back end that a display carries: the one it names, else the guest's first.
const Audio* FindAudio(const DomainDef& def, std::optional<unsigned> id) {
  for (auto& audio : def.audios) {
    if (!id || audio->id == *id) return audio.get();
  }
  return nullptr;
}

std::string VncAddress(const Graphics& graphics) {
  const GraphicsListen& listen = FirstListen(graphics);
  switch (listen.type) {
    case ListenType::kSocket:
      return "vnc=unix:" + EscapeCommas(listen.socket);
    case ListenType::kNone:
      return "none";
    default: {
      if (graphics.port < kVncPortMin || graphics.port > kVncPortMax) {
        throw Unsupported("vnc port must be in range [{},{}]", kVncPortMin, kVncPortMax);
      }
      bool ipv6 = listen.address.find(':') != std::string::npos;
      return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", listen.address, ipv6 ? "]" : "", graphics.port - kVncPortMin);
    }
  }
}

void AddVnc(const Graphics& graphics, const Context& context, CommandLine* out) {
  const QemuConfig& config = context.config;
  OptionString vnc;
  vnc.AddWord(VncAddress(graphics));
  if (FirstListen(graphics).type == ListenType::kAddress || FirstListen(graphics).type == ListenType::kNetwork) {
    if (graphics.websocket) vnc.Add("websocket", graphics.websocket);
  }
  if (graphics.share_policy != VncSharePolicy::kDefault) vnc.Add("share", ToString(graphics.share_policy));
  if (graphics.auth.given || config.vnc_password) vnc.Add("password", true);
  if (config.vnc_tls.enabled) {
    const std::string credentials = "vnc-tls-creds0";
    AddTlsCredentials(credentials, config.CertDir(config.vnc_tls), true, config.Verify(config.vnc_tls, false), config.vnc_tls.secret_uuid,
                      context, out);
    vnc.Add("tls-creds", credentials);
  }
  if (config.vnc_sasl) {
    vnc.Add("sasl", true);
    if (!config.vnc_sasl_dir.empty()) out->environment.emplace_back("SASL_CONF_PATH", config.vnc_sasl_dir);
  }
  if (context.Has(QemuCap::kVncPowerControl)) vnc.Add("power-control", graphics.power_control);
  if (auto* audio = FindAudio(context.def, graphics.audio_id)) vnc.Add("audiodev", fmt::format("audio{}", audio->id));
  out->Option("-vnc", vnc);
  if (!graphics.keymap.empty()) out->Option("-k", graphics.keymap);
}

// Which channels must, or must not, be encrypted.
void AddSpiceChannels(OptionString* spice, const Graphics& graphics, bool tls) {
  constexpr const char* kNoTls = "spice secure channels set in XML configuration, but TLS connection is not available";
  auto add = [&](SpiceMode mode, std::string_view channel, const char* error) {
    if (mode == SpiceMode::kSecure) {
      if (!tls) throw Unsupported("{}", error);
      spice->Add("tls-channel", channel);
    } else if (mode == SpiceMode::kInsecure) {
      spice->Add("plaintext-channel", channel);
    }
  };
  add(graphics.default_mode, "default", "spice defaultMode secure requested in XML configuration, but TLS connection is not available");
  for (std::size_t i = 0; i < kSpiceChannels; ++i) add(graphics.channels[i], ToString(static_cast<SpiceChannel>(i)), kNoTls);
}

template <typename E>
void AddChoice(OptionString* options, const char* key, E value) {
  if (value != E::kDefault) options->Add(key, ToString(value));
}

void AddSpice(const Graphics& graphics, const Context& context, CommandLine* out) {
  const QemuConfig& config = context.config;
  const GraphicsListen& listen = FirstListen(graphics);
  const bool tls = config.spice_tls.enabled;
  OptionString spice;
  switch (listen.type) {
    case ListenType::kSocket:
      spice.AddWord("unix").Add("addr", listen.socket);
      break;
    case ListenType::kNone:
      // QEMU insists on some way to listen; no port is none.
      spice.Add("port", 0);
      break;
    default:
      if (graphics.port > 0 || graphics.tls_port <= 0) spice.Add("port", std::max(graphics.port, 0));
      if (graphics.tls_port > 0) {
        if (!tls) throw Unsupported("spice TLS port set in XML configuration, but TLS is disabled in qemu.conf");
        spice.Add("tls-port", graphics.tls_port);
      }
      if (graphics.port > 0 || graphics.tls_port > 0) spice.AddSet("addr", listen.address);
      break;
  }
  if (config.spice_sasl) {
    spice.AddWord("sasl");
    if (!config.spice_sasl_dir.empty()) out->environment.emplace_back("SASL_CONF_PATH", config.spice_sasl_dir);
  }
  if (graphics.mouse != MouseMode::kDefault) spice.Add("agent-mouse", graphics.mouse == MouseMode::kClient);
  if (!graphics.auth.given && !config.spice_password) spice.Add("disable-ticketing", true);
  if (tls && (listen.type == ListenType::kAddress || listen.type == ListenType::kNetwork)) {
    spice.Add("x509-dir", config.CertDir(config.spice_tls));
  }
  AddSpiceChannels(&spice, graphics, tls && graphics.tls_port > 0);
  AddChoice(&spice, "image-compression", graphics.image);
  AddChoice(&spice, "jpeg-wan-compression", graphics.jpeg);
  AddChoice(&spice, "zlib-glz-wan-compression", graphics.zlib);
  spice.Add("playback-compression", graphics.playback);
  AddChoice(&spice, "streaming-video", graphics.streaming);
  if (graphics.copypaste == YesNo::kNo) spice.Add("disable-copy-paste", true);
  if (graphics.filetransfer == YesNo::kNo) spice.Add("disable-agent-file-xfer", true);
  if (graphics.gl == YesNo::kYes) {
    spice.Add("gl", true);
    if (!graphics.rendernode.empty()) spice.Add("rendernode", graphics.rendernode);
  }
  spice.Add("seamless-migration", true);
  out->Option("-spice", spice);
  if (!graphics.keymap.empty()) out->Option("-k", graphics.keymap);
}

void AddSdl(const Graphics& graphics, CommandLine* out) {
  if (!graphics.xauth.empty()) out->environment.emplace_back("XAUTHORITY", graphics.xauth);
  if (!graphics.display.empty()) out->environment.emplace_back("DISPLAY", graphics.display);
  if (graphics.fullscreen == YesNo::kYes) out->Option("-full-screen");
  OptionString display("sdl");
  display.Add("gl", graphics.gl);
  out->Option("-display", display);
}

void AddDbus(const Graphics& graphics, CommandLine* out) {
  OptionString display("dbus");
  if (graphics.p2p == YesNo::kYes) display.Add("p2p", true);
  else display.Add("addr", graphics.address);
  if (graphics.gl != YesNo::kAbsent) {
    display.Add("gl", graphics.gl);
    if (!graphics.rendernode.empty()) display.Add("rendernode", graphics.rendernode);
  }
  if (graphics.audio_id) display.Add("audiodev", fmt::format("audio{}", *graphics.audio_id));
  out->Option("-display", display);
}

// What a definition may hold, but no guest can be started with.
void CheckGraphics(const DomainDef& def) {
  for (std::size_t i = 0; i < def.graphics.size(); ++i) {
    const Graphics& graphics = *def.graphics[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (def.graphics[j]->type == graphics.type) {
        throw Unsupported("only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported");
      }
    }
    if (graphics.listens.size() > 1) throw Unsupported("QEMU does not support multiple listens for one graphics device.");
    if (graphics.audio_id.value_or(0) && !FindAudio(def, graphics.audio_id)) {
      throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, fmt::format("no audio device with ID {}", *graphics.audio_id));
    }
  }
}

}  // namespace

void AddGraphics(const Context& context, CommandLine* out) {
  CheckGraphics(context.def);
  for (auto& graphics : context.def.graphics) {
    switch (graphics->type) {
      case GraphicsType::kSdl:
        AddSdl(*graphics, out);
        break;
      case GraphicsType::kVnc:
        AddVnc(*graphics, context, out);
        break;
      case GraphicsType::kSpice:
        AddSpice(*graphics, context, out);
        break;
      case GraphicsType::kEglHeadless:
        out->Option("-display", OptionString("egl-headless").AddSet("rendernode", graphics->rendernode));
        break;
      case GraphicsType::kDbus:
        AddDbus(*graphics, out);
        break;
      default:
        throw Unsupported("unsupported graphics type '{}'", ToString(graphics->type));
    }
  }
}

}  // namespace bv::qemu
