#include "model/domain/graphics.h"

#include <ctime>

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using G = Graphics;
using T = GraphicsType;

template <T... Types>
bool Is(const G& g) {
  return ((g.type == Types) || ...);
}
constexpr auto kWithListens = &Is<T::kVnc, T::kRdp, T::kSpice>;

// --- passwords -----------------------------------------------------------------------------------------------

// "2010-04-09T15:51:00" in UTC.
std::optional<std::int64_t> ParseValidTo(std::string_view text) {
  std::string copy(text);
  std::tm tm{};
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (!end || *end) return std::nullopt;
  return timegm(&tm);
}

void ReadAuth(Parser& p, G& g, const xml::Node& element) {
  auto passwd = element.Attr("passwd");
  if (!passwd) return;
  g.auth.given = true;
  g.auth.passwd = *passwd;
  if (auto valid_to = element.Attr("passwdValidTo")) {
    g.auth.valid_to = ParseValidTo(*valid_to);
    if (!g.auth.valid_to) p.Fail(Fault::kInternal, "cannot parse password validity time '" + std::string(*valid_to) + "', expect YYYY-MM-DDTHH:MM:SS");
  }
  if (auto connected = element.Attr("connected")) {
    p.Value(element, "connected", g.auth.connected, Fault::kUnsupported, kNonZero);
    if (g.type == T::kVnc && g.auth.connected != AuthConnected::kKeep) p.Fail(Fault::kUnsupported, "VNC supports connected='keep' only");
  }
}
void WriteAuth(Formatter& f, const G& g) {
  if (!g.auth.given) return;
  if (f.secure()) f.Attr("passwd", g.auth.passwd);
  if (g.auth.valid_to) {
    std::time_t when = *g.auth.valid_to;
    std::tm tm{};
    gmtime_r(&when, &tm);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    f.Attr("passwdValidTo", text);
  }
  if (g.auth.connected != AuthConnected::kDefault) f.Attr("connected", ToString(g.auth.connected));
}

// --- ports ---------------------------------------------------------------------------------------------------

void ReadPorts(Parser& p, G& g, const xml::Node& element) {
  bool has_port = p.Value(element, "port", g.port, g.type == T::kVnc ? Fault::kInternal : Fault::kXml);
  bool has_tls = g.type == T::kSpice && p.Value(element, "tlsPort", g.tls_port);
  if (g.type == T::kVnc) p.Value(element, "websocket", g.websocket, Fault::kDomainXml);
  YesNo given = YesNo::kAbsent;
  p.Value(element, "autoport", given, Fault::kXml, kIgnoreBad);
  g.autoport = given == YesNo::kYes;
  if (g.type == T::kSpice) {
    if (g.port == -1 && g.tls_port == -1) g.autoport = true;
    if (g.autoport && p.inactive()) g.port = g.tls_port = 0;
    (void)has_port, (void)has_tls;
    return;
  }
  // -1 asks for a port just as autoport does; nothing at all does so, too.
  if (has_port && g.port == -1) {
    if (p.inactive()) g.port = 0;
    g.autoport = true;
  }
  if (!has_port) g.autoport = true;
  if (given == YesNo::kNo) g.autoport = false;
  if (g.autoport && p.inactive()) g.port = 0;
}

bool UsesSocket(const G& g) { return !g.listens.empty() && g.listens[0].type == ListenType::kSocket; }
bool UsesNothing(const G& g) { return !g.listens.empty() && g.listens[0].type == ListenType::kNone; }

void WriteFirstListen(Formatter& f, const G& g) {
  if (g.listens.empty()) return;
  const GraphicsListen& first = g.listens[0];
  bool address = first.type == ListenType::kAddress || (first.type == ListenType::kNetwork && !f.inactive());
  if (address && !first.address.empty() && !((f.flags() & kFormatMigratable) && first.from_config)) f.Attr("listen", first.address);
}

void WritePorts(Formatter& f, const G& g) {
  switch (g.type) {
    case T::kVnc:
      if (UsesSocket(g)) {
        const GraphicsListen& first = g.listens[0];
        if (!first.socket.empty() && (first.auto_generated ? !f.inactive() : true) && !((f.flags() & kFormatMigratable) && first.from_config)) {
          f.Attr("socket", first.socket);
        }
        break;
      }
      if (UsesNothing(g)) break;
      if (g.port && (!g.autoport || !f.inactive())) f.Attr("port", std::to_string(g.port));
      else if (g.autoport) f.Attr("port", "-1");
      f.Attr("autoport", g.autoport ? "yes" : "no");
      if (g.websocket) f.Attr("websocket", std::to_string(g.websocket));
      WriteFirstListen(f, g);
      break;
    case T::kSpice:
      if (UsesSocket(g) || (UsesNothing(g) && !(f.flags() & kFormatMigratable))) break;
      if (g.port) f.Attr("port", std::to_string(g.port));
      if (g.tls_port) f.Attr("tlsPort", std::to_string(g.tls_port));
      f.Attr("autoport", g.autoport ? "yes" : "no");
      WriteFirstListen(f, g);
      break;
    case T::kRdp:
      if (g.port) f.Attr("port", std::to_string(g.port));
      else if (g.autoport) f.Attr("port", "0");
      if (g.autoport) f.Attr("autoport", "yes");
      if (g.replace_user == YesNo::kYes) f.Attr("replaceUser", "yes");
      if (g.multi_user == YesNo::kYes) f.Attr("multiUser", "yes");
      WriteFirstListen(f, g);
      break;
    default:
      break;
  }
}

// --- <listen> --------------------------------------------------------------------------------------------------

void ReadListen(Parser& p, GraphicsListen& listen, const xml::Node& node, const G& g) {
  p.Value(node, "type", listen.type, Fault::kXml, kRequired);
  if (g.type != T::kVnc && g.type != T::kSpice && (listen.type == ListenType::kSocket || listen.type == ListenType::kNone)) {
    p.FailBeyondSchema(Fault::kUnsupported, "listen type '" + std::string(ToString(listen.type)) + "' is not available for graphics type '" + std::string(ToString(g.type)) + "'");
  }
  std::string_view address = node.AttrOr("address"), network = node.AttrOr("network"), socket = node.AttrOr("socket");
  if (listen.type == ListenType::kNetwork && network.empty()) p.Fail(Fault::kDomainXml, "'network' attribute is required for listen type 'network'");
  if (!network.empty() && listen.type != ListenType::kNetwork) p.Fail(Fault::kDomainXml, "'network' attribute is valid only for listen type 'network'");
  bool keeps_address = listen.type == ListenType::kAddress || (listen.type == ListenType::kNetwork && !p.inactive());
  if (keeps_address) listen.address = address;
  listen.network = network;
  if (!socket.empty() && listen.type != ListenType::kSocket) p.Fail(Fault::kDomainXml, "'socket' attribute is valid only for listen type 'socket'");
  listen.socket = socket;
  if (p.status()) {
    int value = 0;
    if (p.Value(node, "fromConfig", value)) listen.from_config = value != 0;
    value = 0;
    if (p.Value(node, "autoGenerated", value)) listen.auto_generated = value != 0;
  }
}

// The old attributes listen and socket say the same as the first <listen>.
void ReadListens(Parser& p, G& g, const xml::Node& element) {
  for (const xml::Node* node = element.Child("listen"); node; node = node->Next("listen")) {
    ReadListen(p, g.listens.emplace_back(), *node, g);
  }
  std::string_view socket = g.type == T::kVnc ? element.AttrOr("socket") : "";
  if (!socket.empty()) {
    if (g.listens.empty()) {
      g.listens.push_back({ListenType::kSocket, "", "", std::string(socket)});
    } else {
      // The attribute wins over an address, but not over the wish to have nothing.
      GraphicsListen& first = g.listens[0];
      if (first.type == ListenType::kAddress || first.type == ListenType::kNetwork) first = {ListenType::kSocket, "", "", std::string(socket)};
      if (first.type == ListenType::kSocket && first.socket.empty()) first.socket = socket;
      if (first.type == ListenType::kSocket && first.socket != socket) {
        p.FailBeyondSchema(Fault::kUnsupported, "graphics 'socket' attribute '" + std::string(socket) + "' must match 'socket' attribute of first listen element (found '" + first.socket + "')");
      }
    }
    return;
  }
  std::string_view listen = element.AttrOr("listen");
  if (g.listens.empty()) {
    g.listens.push_back({ListenType::kAddress, std::string(listen), "", ""});
  } else if (!listen.empty()) {
    GraphicsListen& first = g.listens[0];
    if (first.type == ListenType::kAddress && first.address.empty()) first.address = listen;
    if (first.type == ListenType::kAddress && first.address != listen) {
      p.FailBeyondSchema(Fault::kUnsupported, "graphics 'listen' attribute '" + std::string(listen) + "' must match 'address' attribute of first listen element (found '" + (first.address.empty() ? "none" : first.address) + "')");
    }
  }
}

void WriteListens(Formatter& f, const G& g) {
  for (const GraphicsListen& l : g.listens) {
    // A socket of the daemon's making is not part of the definition.
    // Older daemons do not know these types; an attribute or the lack of ports says the same.
    bool modern = (g.type == T::kVnc && l.type == ListenType::kSocket && !l.socket.empty()) || (g.type == T::kSpice && l.type == ListenType::kNone);
    if ((f.flags() & kFormatMigratable) && (l.from_config || modern)) continue;
    f.out().Open("listen");
    f.Attr("type", ToString(l.type));
    if (!l.address.empty() && (l.type == ListenType::kAddress || (l.type == ListenType::kNetwork && !f.inactive()))) f.Attr("address", l.address);
    if (!l.network.empty()) f.Attr("network", l.network);
    if (l.type == ListenType::kSocket && !l.socket.empty() && !(l.auto_generated && f.inactive())) f.Attr("socket", l.socket);
    if (f.status()) {
      f.Attr("fromConfig", static_cast<std::uint64_t>(l.from_config));
      f.Attr("autoGenerated", static_cast<std::uint64_t>(l.auto_generated));
    }
    f.out().Close("listen");
  }
}

// --- <channel> of spice ------------------------------------------------------------------------------------------

void ReadChannels(Parser& p, G& g, const xml::Node& element) {
  for (const xml::Node* node = element.Child("channel"); node; node = node->Next("channel")) {
    SpiceChannel name{};
    p.Value(*node, "name", name, Fault::kXml, kRequired);
    p.Value(*node, "mode", g.channels[static_cast<std::size_t>(name)], Fault::kXml, kRequired);
  }
}
void WriteChannels(Formatter& f, const G& g) {
  for (std::size_t i = 0; i < kSpiceChannels; ++i) {
    if (g.channels[i] == SpiceMode::kAny) continue;
    f.out().Open("channel");
    f.Attr("name", ToString(static_cast<SpiceChannel>(i)));
    f.Attr("mode", ToString(g.channels[i]));
    f.out().Close("channel");
  }
}

constexpr RowOf<G> kImageRows[] = {Attr<&G::image>("compression").Required().NonZero()};
constexpr RowOf<G> kJpegRows[] = {Attr<&G::jpeg>("compression").Required().NonZero()};
constexpr RowOf<G> kZlibRows[] = {Attr<&G::zlib>("compression").Required().NonZero()};
constexpr RowOf<G> kPlaybackRows[] = {Attr<&G::playback>("compression").Required()};
constexpr RowOf<G> kStreamingRows[] = {Attr<&G::streaming>("mode").Required().NonZero()};
constexpr RowOf<G> kMouseRows[] = {Attr<&G::mouse>("mode").Required().NonZero()};
constexpr RowOf<G> kClipboardRows[] = {Attr<&G::copypaste>("copypaste").Required()};
constexpr RowOf<G> kTransferRows[] = {Attr<&G::filetransfer>("enable").Required()};
constexpr RowOf<G> kGlRows[] = {
    Attr<&G::gl>("enable").Required().When<&Is<T::kSdl, T::kSpice, T::kDbus>>(),
    Attr<&G::rendernode>("rendernode").When<&Is<T::kSpice, T::kDbus, T::kEglHeadless>>(),
};
constexpr RowOf<G> kAudioRows[] = {Attr<&G::audio_id>("id").Required().NonZero()};

// Shown when it is on only.
void ReadFullscreen(Parser& p, G& g, const xml::Node& element) { p.Value(element, "fullscreen", g.fullscreen); }
void WriteFullscreen(Formatter& f, const G& g) {
  if (g.fullscreen == YesNo::kYes) f.Attr("fullscreen", "yes");
}

constexpr auto kSpiceOnly = &Is<T::kSpice>;
constexpr auto kVncOnly = &Is<T::kVnc>;
constexpr auto kDbusOnly = &Is<T::kDbus>;
constexpr auto kWithWindow = &Is<T::kSdl, T::kDesktop>;
constexpr auto kWithGl = &Is<T::kSdl, T::kSpice, T::kDbus, T::kEglHeadless>;
constexpr auto kWithKeymap = &Is<T::kVnc, T::kSpice>;

constexpr RowOf<G> kRows[] = {
    Attr<&G::type>("type").Required(),
    Custom<&ReadPorts, &WritePorts>("@port @tlsPort @autoport @websocket @listen @socket @replaceUser @multiUser").When<kWithListens>(),
    Attr<&G::keymap>("keymap").When<kWithKeymap>(),
    Attr<&G::share_policy>("sharePolicy").NonZero().When<kVncOnly>(),
    Attr<&G::power_control>("powerControl").When<kVncOnly>(),
    Attr<&G::replace_user>("replaceUser").When<&Is<T::kRdp>>().With(kParseOnly),
    Attr<&G::multi_user>("multiUser").When<&Is<T::kRdp>>().With(kParseOnly),
    Custom<&ReadAuth, &WriteAuth>("@passwd @passwdValidTo @connected").When<kWithKeymap>(),
    Attr<&G::default_mode>("defaultMode").SkipZero().When<kSpiceOnly>(),
    Attr<&G::display>("display").When<kWithWindow>(),
    Attr<&G::xauth>("xauth").When<&Is<T::kSdl>>(),
    Custom<&ReadFullscreen, &WriteFullscreen>("@fullscreen").When<kWithWindow>(),
    Attr<&G::p2p>("p2p").When<kDbusOnly>(),
    Attr<&G::address>("address").When<kDbusOnly>(),
    Custom<&ReadListens, &WriteListens>("listen @listen @socket").When<kWithListens>(),
    Custom<&ReadChannels, &WriteChannels>("channel").When<kSpiceOnly>(),
    Group("image", kImageRows).When<kSpiceOnly>(),
    Group("jpeg", kJpegRows).When<kSpiceOnly>(),
    Group("zlib", kZlibRows).When<kSpiceOnly>(),
    Group("playback", kPlaybackRows).When<kSpiceOnly>(),
    Group("streaming", kStreamingRows).When<kSpiceOnly>(),
    Group("mouse", kMouseRows).When<kSpiceOnly>(),
    Group("clipboard", kClipboardRows).When<kSpiceOnly>(),
    Group("filetransfer", kTransferRows).When<kSpiceOnly>(),
    Group("gl", kGlRows).When<kWithGl>(),
    Group("audio", kAudioRows).When<&Is<T::kVnc, T::kDbus>>(),
};

}  // namespace

constinit const Description<Graphics> kGraphics{kRows};

}  // namespace bv::model
