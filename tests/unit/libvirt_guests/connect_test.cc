#include "daemon/local_client.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace bv {
namespace {

DriverEnvironment System() {
  DriverEnvironment environment;
  environment.privileged = true;
  environment.state_dir = "/run/libvirt";
  return environment;
}

using Sockets = std::vector<std::string>;

TEST(ResolveLocalUriTest, System) {
  LocalTarget target = ResolveLocalUri("qemu:///system", System());
  EXPECT_EQ((Sockets{"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"}), target.sockets);
  EXPECT_EQ("qemu:///system", target.name);
  EXPECT_EQ("lxc:///system", ResolveLocalUri("lxc+unix:///system", System()).name);
}

// The modular daemons come last, so that none of them is started where libvirtd rules.
TEST(ResolveLocalUriTest, Default) {
  LocalTarget target = ResolveLocalUri("default", System());
  EXPECT_EQ("", target.name);
  EXPECT_EQ("/run/libvirt/libvirt-sock", target.sockets.at(0));
  EXPECT_EQ("/run/libvirt/virtqemud-sock", target.sockets.at(1));
}

TEST(ResolveLocalUriTest, SocketInTheUri) {
  LocalTarget target = ResolveLocalUri("qemu+unix:///system?mode=direct&socket=/x/sock", System());
  EXPECT_EQ(Sockets{"/x/sock"}, target.sockets);
  EXPECT_EQ("qemu:///system", target.name);
}

TEST(ResolveLocalUriTest, SessionOfRoot) {
  setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
  EXPECT_EQ("/run/user/0/libvirt/libvirt-sock", ResolveLocalUri("qemu:///session", System()).sockets.at(0));
  unsetenv("XDG_RUNTIME_DIR");
}

TEST(ResolveLocalUriTest, Elsewhere) {
  for (const char* uri : {"qemu://host/system", "qemu+ssh://host/system", "qemu+tcp:///system", "qemu+ssh:///system"}) {
    EXPECT_THROW(ResolveLocalUri(uri, System()), Error) << uri;
  }
}

}  // namespace
}  // namespace bv
