#pragma once

namespace bv::remote {

// What host devices can be, in the order of the bits of virConnectListAllNodeDevicesFlags.
inline constexpr const char* kNodeDeviceCapabilities[] = {
    "system",       "pci", "usb_device", "usb",  "net", "scsi_host", "scsi_target", "scsi",    "storage",  "fc_host",   "vports",
    "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css",       "vdpa",        "ap_card", "ap_queue", "ap_matrix", "vpd",
};

}  // namespace bv::remote
