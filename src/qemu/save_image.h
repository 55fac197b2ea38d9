#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace bv::qemu {

// The file that a saved guest is in: libvirt's header, the definition, maybe a cookie, and from
// data_offset on QEMU's migration stream. The functions block.
struct SaveImage {
  std::string xml;
  bool was_running = false;
  std::uint32_t compression = 0;  // libvirt's numbers: 0 raw, 1 gzip, 2 bzip2, 3 xz, 4 lzop, 5 zstd
  std::string cookie;             // further XML that the next daemon wants; may be empty
  std::uint64_t data_offset = 0;

  // Opens the image and reads all but the stream; *fd is left at its beginning. kOperationFailed
  // for what is no save image, kOpenFailed and so on as libvirt's.
  static SaveImage Read(const std::string& path, Fd* fd);
  // Makes the file with a header that says "incomplete"; the stream goes where the descriptor is.
  static Fd Create(const std::string& path, const SaveImage& image);
  // The stream is there: says so in the header, durably.
  static void Complete(int fd);
  // Replaces definition and state in an image without touching the stream; `xml` must fit.
  static void Rewrite(const std::string& path, const SaveImage& image);
};

}  // namespace bv::qemu
