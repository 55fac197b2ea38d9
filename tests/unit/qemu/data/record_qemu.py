#!/usr/bin/env python3
"""Records a QEMU's answers to the questions of src/qemu/capabilities_builder.cc, for unit tests.

    tests/unit/qemu/data/record_qemu.py /usr/bin/qemu-system-x86_64 > qemu-7.2-x86_64.jsonl
    zstd -19 --rm -f qemu-7.2-x86_64.jsonl

One JSON object a line: accelerator, command, arguments, return (missing for an error).
"""
import json
import re
import socket
import subprocess
import sys


def converse(binary, accelerator, questions):
    ours, theirs = socket.socketpair()
    qemu = subprocess.Popen(
        [binary, "-S", "-no-user-config", "-nodefaults", "-nographic",
         "-machine", "none,accel=" + accelerator,
         "-chardev", "socket,id=monitor,fd=%d" % theirs.fileno(), "-mon", "chardev=monitor,mode=control"],
        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    lines = ours.makefile("rb")
    lines.readline()
    for command, arguments in [("qmp_capabilities", {})] + questions:
        ours.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        reply = json.loads(lines.readline())
        if command == "qmp_capabilities":
            continue
        record = {"accelerator": accelerator.split(":")[0], "command": command}
        if arguments:
            record["arguments"] = arguments
        if "return" in reply:
            record["return"] = reply["return"]
        print(json.dumps(record, separators=(",", ":")))
    qemu.kill()
    qemu.wait()


def main():
    top = __file__.rpartition("tests/unit")[0]
    flags = open(top + "src/qemu/capabilities_flags.inc").read()
    builder = open(top + "src/qemu/capabilities_builder.cc").read()
    devices = re.findall(r'[( ]Prop(?:Off)?\("([^"]+)", "', flags)
    devices += re.findall(r'"([^"]+)"', re.search(r"kMoreDevices\[\] = \{(.*?)\};", builder, re.S).group(1))
    objects = re.findall(r'ObjProp\("([^"]+)"', flags)
    plain = ["query-version", "query-target", "query-kvm", "query-machines", "query-cpu-definitions", "query-commands",
             "query-qmp-schema", "qom-list-types", "query-tpm-models", "query-tpm-types", "query-command-line-options",
             "query-migrate-capabilities", "query-sev-capabilities", "query-sgx-capabilities"]
    questions = [(name, {}) for name in plain]
    questions += [("qom-list-properties", {"typename": "tcg-accel"})]
    questions += [("device-list-properties", {"typename": name}) for name in dict.fromkeys(devices)]
    questions += [("qom-list-properties", {"typename": name}) for name in dict.fromkeys(objects) if name not in ("d", "o")]

    def cpus(model):
        return [("query-cpu-model-expansion", {"type": "static", "model": {"name": model}}),
                ("query-cpu-model-expansion", {"type": "static", "model": {"name": model, "props": {"migratable": False}}})]

    hyperv = {"type": "full", "model": {"name": "host", "props": {"migratable": False, "hv-passthrough": True}}}
    converse(sys.argv[1], "kvm:tcg", questions + cpus("host") + [("query-cpu-model-expansion", hyperv)])
    converse(sys.argv[1], "tcg", [("query-cpu-definitions", {})] + cpus("max"))


main()
