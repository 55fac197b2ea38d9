#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// "-chardev" for the host side of device `alias`, under the id "char" + alias, with the TLS
// credentials that it needs before it. `spice_name` is what a spicevmc channel is for: "vdagent",
// "usbredir", "smartcard".
void AddChardev(const model::ChardevSource& source, std::string_view alias, const char* spice_name, const Context& context,
                CommandLine* out);

// One of the below.
void AddCharacterDevice(const model::Chardev& chardev, const Context& context, CommandLine* out);
// The guest's serial and parallel ports, channels and consoles, with their back ends.
void AddSerials(const Context& context, CommandLine* out);
void AddParallels(const Context& context, CommandLine* out);
void AddChannels(const Context& context, CommandLine* out);
void AddConsoles(const Context& context, CommandLine* out);

// The front ends alone, for hot-plug.
Props DescribeSerial(const model::Chardev& serial, const Context& context);
Props DescribeParallel(const model::Chardev& parallel, const Context& context);
Props DescribeChannel(const model::Chardev& channel, const Context& context);   // virtio channels
Props DescribeGuestfwd(const model::Chardev& channel);
Props DescribeConsole(const model::Chardev& console, const Context& context);

}  // namespace bv::qemu
