#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "model/node_device.h"
#include "nodedev/udev_device.h"

namespace bv::nodedev {

// Thrown when a device cannot be told of.
struct NotTold {};

template <typename N>
N Number(std::string_view text, int base = 10) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  N number{};
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) throw NotTold();
  return number;
}

// Hexadecimal numbers between any of "." and ":".
std::vector<unsigned> HexNumbers(std::string_view text);

void DescribePci(const UdevDevice& device, bool full, model::NodeCapability& capability);
void DescribeStorage(const UdevDevice& device, model::NodeDevice& to);
void DescribeScsiHost(const UdevDevice& device, model::NodeCapability& capability);
void DescribeScsiTarget(const UdevDevice& device, model::NodeCapability& capability);
// Mediated devices that can be made of this one.
void AddMdevTypes(const UdevDevice& device, model::NodeCapability& capability);

}  // namespace bv::nodedev
