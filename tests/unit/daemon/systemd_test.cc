#include "daemon/systemd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/wait.h"

namespace bv {
namespace {

// The service manager's end of the notification socket.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::string name = "@busyvirt-test-" + std::to_string(getpid());
    name.copy(address.sun_path, sizeof address.sun_path);
    address.sun_path[0] = '\0';
    EXPECT_EQ(0, bind(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())));
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() { unsetenv("NOTIFY_SOCKET"); }

  std::string Heard() {
    char text[256];
    ssize_t size = recv(socket_.get(), text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  Fd socket_;
};

TEST(NotifyServiceManagerTest, SaysIt) {
  NotifyServiceManager("READY=1");  // nobody to hear it
  Manager manager;
  NotifyServiceManager("READY=1");
  EXPECT_EQ("READY=1", manager.Heard());
}

TEST(ServiceManagerPatienceTest, AsksForTime) {
  Manager manager;
  Loop loop;
  {
    ServiceManagerPatience patience;
    EXPECT_EQ(0u, manager.Heard().find("EXTEND_TIMEOUT_USEC="));
  }
  EXPECT_EQ("", manager.Heard());
}

}  // namespace
}  // namespace bv
