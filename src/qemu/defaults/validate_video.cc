#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"
#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

constexpr unsigned kMiB = 1024;  // in KiB

void VideoMemory(const Video& video) {
  constexpr unsigned kMostKib = std::numeric_limits<unsigned>::max() / 1024;
  auto at_least = [](const char* name, unsigned value) {
    if (value && value < kMiB) Unsupported(fmt::format("value for '{}' must be at least 1 MiB (1024 KiB)", name));
  };
  if (video.type == VideoType::kQxl) {
    auto at_most = [kMostKib](const char* name, unsigned value) {
      if (value > kMostKib) {
        throw Error(ErrorDomain::kQemu, ErrorCode::kOverflow, fmt::format("value for '{}' must be less than '{}'", name, kMostKib));
      }
    };
    at_most("vram", video.vram);
    at_most("ram", video.ram);
    at_least("vgamem", video.vgamem);
    if (video.vgamem && !std::has_single_bit(video.vgamem)) Unsupported("value for 'vgamem' must be power of two");
  } else if (video.type == VideoType::kVga || video.type == VideoType::kVmvga) {
    at_least("vram", video.vram);
  }
}

void OneVideo(const Video& video) {
  switch (video.type) {
    case VideoType::kXen:
    case VideoType::kVbox:
    case VideoType::kParallels:
    case VideoType::kGop:
    case VideoType::kDefault:
      Unsupported(fmt::format("domain configuration does not support video model '{}'", ToString(video.type)));
    default: break;
  }
  const bool several = video.type == VideoType::kQxl || video.type == VideoType::kVirtio;
  if (!video.primary && !several && video.type != VideoType::kNone) {
    Unsupported(fmt::format("video type '{}' is only valid as primary video device", ToString(video.type)));
  }
  if (video.acceleration && video.acceleration->accel3d == YesNo::kYes && video.type != VideoType::kVirtio) {
    Unsupported("3d acceleration is supported only with 'virtio' video device");
  }
  VideoMemory(video);
  if (video.type != VideoType::kNone && video.heads != 1 && !several) {
    Unsupported(fmt::format("video type '{}' doesn't support multiple 'heads'", ToString(video.type)));
  }
  const bool any_size = several || video.type == VideoType::kVga || video.type == VideoType::kBochs;
  if (video.resolution && !any_size) throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError, "model resolution is not supported");
  if (video.type == VideoType::kVirtio) return;
  if (video.backend == VideoBackend::kVhostUser) Nonsense("'vhostuser' driver is only supported with 'virtio' device");
  RefuseVirtioOptions(video.virtio);
}

}  // namespace

void Videos(const DomainDef& def) {
  for (auto& video : def.videos) OneVideo(*video);
}

void GraphicsSettings(const DomainDef& def, const QemuConfig& config) {
  constexpr std::size_t kVncPassword = 8;
  for (std::size_t i = 0; i < def.graphics.size(); ++i) {
    const Graphics& graphics = *def.graphics[i];
    if (graphics.type == GraphicsType::kDbus && graphics.p2p == YesNo::kYes && !graphics.address.empty()) {
      BadXml("D-Bus p2p with an address is not supported");
    }
    if (graphics.type == GraphicsType::kSpice && graphics.tls_port > 0 && !config.spice_tls.enabled) {
      Unsupported("spice TLS port set in XML configuration, but TLS is disabled in qemu.conf");
    }
    if (graphics.type == GraphicsType::kVnc && graphics.auth.passwd.size() > kVncPassword) {
      Unsupported(fmt::format("VNC password is {} characters long, only {} permitted", graphics.auth.passwd.size(), kVncPassword));
    }
  }
}

}  // namespace bv::qemu::validate
