#include "qemu/config.h"

#include <gtest/gtest.h>

#include "base/conf.h"
#include "base/error.h"

namespace bv {
namespace {

QemuDirs Dirs() { return QemuDirs::Make(true, "/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt"); }
QemuConfig Read(std::string text) { return ReadQemuConfig(true, Dirs(), "user = \"+7\"\ngroup = \"+8\"\n" + text, "qemu.conf"); }

TEST(QemuConfig, DefaultsHold) {
  auto config = Read("");
  EXPECT_EQ("127.0.0.1", config.vnc_listen);
  EXPECT_EQ(5900u, config.remote_display_port_min);
  EXPECT_TRUE(config.dynamic_ownership);
  EXPECT_EQ("/var/lib/libvirt/qemu/save", config.dirs.save);
  EXPECT_EQ(7u, config.uid);
  EXPECT_EQ(8u, config.gid);
}

TEST(QemuConfig, EveryTypeIsRead) {
  auto config = Read(
      "vnc_listen = \"0.0.0.0\"\nvnc_tls = 1\nvnc_password = \"\"\nmax_files = 20\nkeepalive_interval = -1\n"
      "security_driver = \"none\"\nnamespaces = []\nmax_core = \"unlimited\"\nnbd_tls_x509_cert_dir = \"/x\"\n");
  EXPECT_EQ("0.0.0.0", config.vnc_listen);
  EXPECT_TRUE(config.vnc_tls.enabled);
  EXPECT_EQ("", config.vnc_password.value());
  EXPECT_EQ(20u, config.max_files);
  EXPECT_EQ(-1, config.keepalive_interval);
  EXPECT_EQ(std::vector<std::string>{"none"}, config.security_driver);
  EXPECT_TRUE(config.namespaces_set);
  EXPECT_EQ("/x", config.CertDir(config.nbd_tls));
  EXPECT_EQ("/etc/pki/qemu", config.CertDir(config.vnc_tls));
}

TEST(QemuConfig, WrongTypesAndValuesAreRefused) {
  for (const char* text : {"vnc_listen = 1\n", "vnc_tls = \"yes\"\n", "vnc_tls = 2\n", "max_files = -1\n",
                           "remote_display_port_min = 10\n", "stdio_handler = \"tape\"\n", "namespaces = [ \"net\" ]\n",
                           "max_core = \"much\"\n", "vnc_listen\n"}) {
    EXPECT_THROW(Read(text), Error) << text;
  }
}

TEST(QemuConfig, TemplateHasEveryKeyAndItsSamplesParse) {
  auto text = QemuConfigTemplate();
  std::string samples;
  for (std::size_t at = 0; (at = text.find("\n#", at)) != std::string::npos; ++at) {
    if (text[at + 2] == ' ') continue;
    samples += text.substr(at + 2, text.find('\n', at + 1) - at - 1);
  }
  auto entries = ParseConf(samples, "template");
  EXPECT_EQ(91u, entries.size());
}

}  // namespace
}  // namespace bv
