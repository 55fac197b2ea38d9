#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

void AddClock(const Context& context, CommandLine* out);    // -rtc, -global kvm-pit, -no-hpet; TZ
void AddPower(const Context& context, CommandLine* out);    // -no-shutdown, -no-acpi, S3 and S4
void AddBoot(const Context& context, CommandLine* out);     // -boot, -kernel ..., -acpitable
void AddSmbios(const Context& context, CommandLine* out);   // -smbios, -fw_cfg
void AddIdentityDevices(const Context& context, CommandLine* out);  // vmgenid

}  // namespace bv::qemu
