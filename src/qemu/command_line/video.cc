#include "qemu/command_line/device.h"
#include "qemu/command_line/display.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

bool Has3d(const Video& video) { return video.acceleration && video.acceleration->accel3d == YesNo::kYes; }

// The primary card carries a VGA part where the board has one.
Props Driver(const Video& video, const Context& context) {
  const bool primary = video.primary;
  switch (video.type) {
    case VideoType::kVga:
      return Props::Device("VGA");
    case VideoType::kCirrus:
      return Props::Device("cirrus-vga");
    case VideoType::kVmvga:
      return Props::Device("vmware-svga");
    case VideoType::kQxl:
      return Props::Device(primary ? "qxl-vga" : "qxl");
    case VideoType::kBochs:
      return Props::Device("bochs-display");
    case VideoType::kRamfb:
      return Props::Device("ramfb");
    case VideoType::kVirtio: {
      if (video.backend == VideoBackend::kVhostUser) {
        if (primary && context.Has(QemuCap::kVhostUserVga)) return Props::Device("vhost-user-vga");
        return VirtioDevice("vhost-user-gpu", video.info, VirtioModel::kVirtio, video.virtio, context);
      }
      const bool gl_devices = Has3d(video) && context.Has(QemuCap::kVirtioGpuGlPci);
      if (primary && context.Has(QemuCap::kVirtioVga)) {
        // This one has its transport in no name, so that options are added here.
        Props props = Props::Device(gl_devices ? "virtio-vga-gl" : "virtio-vga");
        props.Add("iommu_platform", video.virtio.iommu).Add("ats", video.virtio.ats).Add("packed", video.virtio.packed);
        return props.Add("page-per-vq", video.virtio.page_per_vq);
      }
      return VirtioDevice(gl_devices ? "virtio-gpu-gl" : "virtio-gpu", video.info, VirtioModel::kVirtio, video.virtio, context);
    }
    default:
      throw Unsupported("invalid model for video type '{}'", ToString(video.type));
  }
}

}  // namespace

Props DescribeVideo(const Video& video, const Context& context) {
  Props props = Driver(video, context);
  if (video.type == VideoType::kVirtio && video.backend != VideoBackend::kVhostUser && Has3d(video) &&
      !context.Has(QemuCap::kVirtioGpuGlPci)) {
    props.Add("virgl", true);
  }
  props.Add("id", video.info.alias);
  if (video.type == VideoType::kQxl || video.type == VideoType::kVirtio) props.AddSet("max_outputs", video.heads.value_or(0));
  if (video.type == VideoType::kQxl) {
    props.Add("ram_size", std::uint64_t{video.ram} * 1024).Add("vram_size", std::uint64_t{video.vram} * 1024);
    props.Add("vram64_size_mb", video.vram64 / 1024).Add("vgamem_mb", video.vgamem / 1024);
  } else if (video.type == VideoType::kVga || video.type == VideoType::kVmvga) {
    if (video.vram >= 1024) props.Add("vgamem_mb", video.vram / 1024);
  } else if (video.type == VideoType::kBochs) {
    props.AddSet("vgamem", std::uint64_t{video.vram} * 1024);
  }
  if (video.backend == VideoBackend::kVhostUser) props.Add("chardev", "chr-vu-" + video.info.alias);
  if (video.resolution) props.Add("xres", video.resolution->x).Add("yres", video.resolution->y);
  AddAddress(&props, video.info, context);
  return props;
}

void AddVideos(const Context& context, CommandLine* out) {
  for (auto& video : context.def.videos) {
    if (video->type == VideoType::kNone) continue;
    AddDevice(DescribeVideo(*video, context), video->info, context, out);
  }
}

}  // namespace bv::qemu
