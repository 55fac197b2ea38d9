#include "qemu/command_line/chardev_json.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "qemu/command_line/arguments.h"

namespace bv::qemu {
namespace {

// The options of -chardev, and chardev-add's arguments that mean the same.
struct Row {
  const char* options;
  const char* arguments;
};
constexpr Row kRows[] = {
    {R"({"driver":"pty","id":"c"})", R"({"id":"c","backend":{"type":"pty","data":{}}})"},
    {R"({"driver":"file","id":"c","path":"/f","append":true,"logfile":"/l","logappend":false})",
     R"({"id":"c","backend":{"type":"file","data":{"logfile":"/l","logappend":false,"out":"/f","append":true}}})"},
    {R"({"driver":"socket","id":"c","path":"/s","server":true,"wait":false})",
     R"({"id":"c","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/s"}},"wait":false,"server":true}}})"},
    {R"({"driver":"socket","id":"c","fd":"fd-3","reconnect":0})",
     R"({"id":"c","backend":{"type":"socket","data":{"addr":{"type":"fd","data":{"str":"fd-3"}},"reconnect":0,"server":false}}})"},
    {R"({"driver":"socket","id":"c","host":"h","port":"7","telnet":true})",
     R"({"id":"c","backend":{"type":"socket","data":{"addr":{"type":"inet","data":{"host":"h","port":"7"}},"telnet":true,"server":false}}})"},
    {R"({"driver":"udp","id":"c","host":"h","port":"7","localaddr":"","localport":"0"})",
     R"({"id":"c","backend":{"type":"udp","data":{"remote":{"type":"inet","data":{"host":"h","port":"7"}},"local":{"type":"inet","data":{"host":"","port":"0"}}}}})"},
    {R"({"driver":"spicevmc","id":"c","name":"vdagent"})", R"({"id":"c","backend":{"type":"spicevmc","data":{"type":"vdagent"}}})"},
    {R"({"driver":"pipe","id":"c","path":"/p"})", R"({"id":"c","backend":{"type":"pipe","data":{"device":"/p"}}})"},
};

TEST(ChardevJson, NestsWhatTheCommandLineWritesFlat) {
  for (auto& row : kRows) EXPECT_EQ(ChardevAddArguments(Json::Parse(row.options)).Dump(), row.arguments);
}

TEST(CommandLine, PluggingGivesCommandsAndTheirOpposites) {
  CommandLine line;
  line.plugging = true;
  line.first_fd_set = 4;
  EXPECT_EQ(line.Inherit(9), "fd-9");
  EXPECT_EQ(line.AddFdSet(10, "log"), "/dev/fdset/4");
  line.Blockdev(Props::Device("raw").Add("node-name", "n"));
  line.Netdev(Props().Add("type", "user").Add("id", "hostnet0"));
  line.Object(Props::Object("rng-random", "objrng0"));
  line.Chardev(Props::Device("pty").Add("id", "charserial0"));
  line.Device(Props::Device("usb-serial").Add("id", "serial0"));
  const std::pair<const char*, const char*> wanted[] = {
      {"getfd", "closefd {\"fdname\":\"fd-9\"}"}, {"add-fd", "remove-fd {\"fdset-id\":4}"},
      {"blockdev-add", "blockdev-del {\"node-name\":\"n\"}"}, {"netdev_add", "netdev_del {\"id\":\"hostnet0\"}"},
      {"object-add", "object-del {\"id\":\"objrng0\"}"}, {"chardev-add", "chardev-remove {\"id\":\"charserial0\"}"},
      {"device_add", " {}"}};
  ASSERT_EQ(line.steps.size(), std::size(wanted));
  for (std::size_t i = 0; i < std::size(wanted); ++i) {
    EXPECT_EQ(line.steps[i].command, wanted[i].first);
    EXPECT_EQ(line.steps[i].undo + " " + line.steps[i].undo_arguments.Dump(), wanted[i].second);
  }
  EXPECT_TRUE(line.argv.empty());
  EXPECT_THROW(line.Option("-fsdev", "local"), Error);
}

}  // namespace
}  // namespace bv::qemu
