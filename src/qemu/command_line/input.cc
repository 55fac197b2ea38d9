#include "qemu/command_line/device.h"
#include "qemu/command_line/small_devices.h"

namespace bv::qemu {

using namespace model;

namespace {

const char* VirtioBase(InputType type) {
  switch (type) {
    case InputType::kMouse:
      return "virtio-mouse";
    case InputType::kTablet:
      return "virtio-tablet";
    case InputType::kKeyboard:
      return "virtio-keyboard";
    default:
      return "virtio-input-host";
  }
}

Props VirtioInput(const Input& input, const Context& context) {
  Props props = VirtioDevice(VirtioBase(input.type), input.info, input.model, input.virtio, context);
  props.Add("id", input.info.alias);
  if (input.type == InputType::kPassthrough) props.AddSet("evdev", input.evdev);
  AddAddress(&props, input.info, context);
  return props;
}

Props UsbInput(const Input& input, const Context& context) {
  Props props = Props::Device(input.type == InputType::kMouse      ? "usb-mouse"
                              : input.type == InputType::kKeyboard ? "usb-kbd"
                                                                   : "usb-tablet");
  props.Add("id", input.info.alias);
  AddAddress(&props, input.info, context);
  return props;
}

Props EvdevObject(const Input& input) {
  if (input.evdev.empty()) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "argument key 'evdev' must not have null value");
  Props props = Props::Object("input-linux", input.info.alias);
  props.Add("evdev", input.evdev).Add("repeat", input.repeat);
  if (input.grab == InputGrab::kAll) props.Add("grab_all", true);
  if (input.grab_toggle != InputGrabToggle::kDefault) props.Add("grab-toggle", ToString(input.grab_toggle));
  return props;
}

}  // namespace

DeviceParts DescribeInput(const Input& input, const Context& context) {
  DeviceParts parts;
  if (input.type == InputType::kEvdev) parts.objects.push_back(EvdevObject(input));
  else if (input.bus == InputBus::kVirtio) parts.device = VirtioInput(input, context);
  else if (input.bus == InputBus::kUsb) parts.device = UsbInput(input, context);
  return parts;
}

void AddInput(const Input& input, const Context& context, CommandLine* out) {
  DeviceParts parts = DescribeInput(input, context);
  for (auto& object : parts.objects) out->Object(object);
  if (parts.device) AddDevice(*parts.device, input.info, context, out);
}

void AddInputs(const Context& context, CommandLine* out) {
  for (auto& input : context.def.inputs) AddInput(*input, context, out);
}

}  // namespace bv::qemu
