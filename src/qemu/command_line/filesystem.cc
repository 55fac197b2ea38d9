#include "qemu/command_line/filesystem.h"

#include "qemu/command_line/device.h"
#include "qemu/command_line/paths.h"

namespace bv::qemu {

using namespace model;

namespace {

void AddFsdev(const Filesystem& fs, CommandLine* out) {
  if (fs.driver == FsDriver::kHandle) {
    OptionString handle("handle");
    if (fs.write_policy == FsWritePolicy::kImmediate) handle.Add("writeout", "immediate");
    handle.Add("id", "fsdev-" + fs.info.alias).Add("path", fs.source);
    if (fs.readonly) handle.AddWord("readonly");
    out->Option("-fsdev", handle);
    return;
  }
  OptionString fsdev("local");
  const char* security = fs.access_mode == FsAccessMode::kMapped   ? "mapped"
                         : fs.access_mode == FsAccessMode::kSquash ? "none"
                                                                   : "passthrough";
  fsdev.Add("security_model", security);
  if (fs.multidevs != FsMultidevs::kDefault) fsdev.Add("multidevs", ToString(fs.multidevs));
  if (fs.fmode) fsdev.Add("fmode", fmt::format("{:04o}", *fs.fmode));
  if (fs.dmode) fsdev.Add("dmode", fmt::format("{:04o}", *fs.dmode));
  if (fs.write_policy == FsWritePolicy::kImmediate) fsdev.Add("writeout", "immediate");
  fsdev.Add("id", "fsdev-" + fs.info.alias).Add("path", fs.source);
  if (fs.readonly) fsdev.AddWord("readonly");
  out->Option("-fsdev", fsdev);
}

}  // namespace

std::string VirtiofsSocket(const Filesystem& fs, const std::string& guest_dir) {
  return fs.socket.empty() ? fmt::format("{}/{}-fs.sock", guest_dir, fs.info.alias) : fs.socket;
}

Props DescribeFilesystem(const Filesystem& fs, const Context& context) {
  const bool virtiofs = fs.driver == FsDriver::kVirtiofs;
  Props props = VirtioDevice(virtiofs ? "vhost-user-fs" : "virtio-9p", fs.info, fs.model, fs.virtio, context);
  props.Add("id", fs.info.alias);
  if (virtiofs) {
    props.Add("chardev", "chr-vu-" + fs.info.alias).AddSet("queue-size", fs.queue_size).Add("tag", fs.target);
    AddBootIndex(&props, fs.info, context);
  } else {
    props.Add("fsdev", "fsdev-" + fs.info.alias).Add("mount_tag", fs.target);
  }
  AddAddress(&props, fs.info, context);
  return props;
}

void AddFilesystem(const Filesystem& fs, const Context& context, CommandLine* out) {
  if (fs.driver == FsDriver::kVirtiofs) {
    out->Chardev(Props::Device("socket").Add("id", "chr-vu-" + fs.info.alias).Add("path", VirtiofsSocket(fs, DomainLibDir(context))));
  } else {
    AddFsdev(fs, out);
  }
  AddDevice(DescribeFilesystem(fs, context), fs.info, context, out);
}

void AddFilesystems(const Context& context, CommandLine* out) {
  for (auto& fs : context.def.filesystems) AddFilesystem(*fs, context, out);
}

}  // namespace bv::qemu
