#include "libvirt_guests/settings.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "libvirt_guests/guest_list.h"
#include "libvirt_guests/shell_assignments.h"

namespace bv {
namespace {

GuestsSettings Read(std::string_view text) {
  GuestsSettings settings = DefaultGuestsSettings();
  ApplyGuestsSettings(settings, text, "file");
  return settings;
}

TEST(GuestsSettingsTest, Defaults) {
  GuestsSettings settings = DefaultGuestsSettings();
  EXPECT_EQ(std::vector<std::string>{"default"}, settings.uris);
  EXPECT_FALSE(settings.start_on_boot || settings.suspend || settings.bypass_cache || settings.sync_time);
  EXPECT_EQ(300, settings.shutdown_timeout);
  EXPECT_EQ(0, settings.parallel_shutdown);
}

TEST(GuestsSettingsTest, AllOfThem) {
  GuestsSettings settings = Read(
      "URIS='default  lxc:///system'\nON_BOOT=start\nSTART_DELAY=3\nON_SHUTDOWN=suspend\nPARALLEL_SHUTDOWN=4\n"
      "SHUTDOWN_TIMEOUT=0\nBYPASS_CACHE=1\nSYNC_TIME=1\nSOMETHING_ELSE=x\n");
  EXPECT_EQ((std::vector<std::string>{"default", "lxc:///system"}), settings.uris);
  EXPECT_TRUE(settings.start_on_boot && settings.suspend && settings.bypass_cache && settings.sync_time);
  EXPECT_EQ(3, settings.start_delay);
  EXPECT_EQ(4, settings.parallel_shutdown);
  EXPECT_EQ(0, settings.shutdown_timeout);
}

TEST(GuestsSettingsTest, WrongNumberNamesItsLine) {
  try {
    Read("ON_BOOT=start\nSTART_DELAY=soon\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string::npos, std::string(error.what()).find("file:2: START_DELAY")) << error.what();
  }
}

// Uncommented, the template says what rules without it.
TEST(GuestsSettingsTest, TemplateHoldsTheDefaults) {
  std::string text = GuestsSettingsTemplate(), bare;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.starts_with("#") && !line.starts_with("# ")) bare += line.substr(1) + "\n";
    at = end + 1;
  }
  auto assignments = ParseShellAssignments(bare, "template");
  EXPECT_EQ(GuestsSettingRows().size(), assignments.size());
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    EXPECT_EQ(GuestsSettingRows()[i].name, assignments[i].name);
    EXPECT_EQ(GuestsSettingRows()[i].default_value, assignments[i].value);
  }
  EXPECT_TRUE(ParseShellAssignments(text, "template").empty()) << "all is commented out";
}

TEST(ShellAssignmentsTest, Forms) {
  struct {
    const char* text;
    const char* value;
  } rows[] = {
      {"A=plain", "plain"},           {"A=", ""},
      {"A='a b' # why", "a b"},       {"A=\"a 'b' \\\"c\\\"\"", "a 'b' \"c\""},
      {"  export A=x", "x"},          {"A=a'b c'\"d\"", "ab cd"},
      {"A=a\\ b", "a b"},             {"A='x\ny'", "x\ny"},
      {"# A=no\n\nif true; then\nA=1", "1"}, {"A=1;B=2", "1"},
      {"A=\"a\\\nb\"", "ab"},         {"A=x=y", "x=y"},
  };
  for (const auto& row : rows) {
    auto assignments = ParseShellAssignments(row.text, "file");
    ASSERT_FALSE(assignments.empty()) << row.text;
    EXPECT_EQ("A", assignments[0].name) << row.text;
    EXPECT_EQ(row.value, assignments[0].value) << row.text;
  }
  for (const char* text : {"", "\n\n", "# A=1", "A", "echo A=1", "1A=2", "=1"}) {
    EXPECT_TRUE(ParseShellAssignments(text, "file").empty()) << text;
  }
  for (const char* text : {"A='x", "\nA=\"x\\", "A=\"\\\""}) EXPECT_THROW(ParseShellAssignments(text, "file"), Error) << text;
  EXPECT_EQ(3, ParseShellAssignments("A='\n'\nB=1", "file")[1].line);
}

TEST(GuestListTest, RoundTrip) {
  GuestList list{{"default", {"1f", "2f"}}, {"lxc:///system", {"3f"}}};
  EXPECT_EQ("default 1f 2f\nlxc:///system 3f\n", FormatGuestList(list));
  EXPECT_EQ(list, ParseGuestList(FormatGuestList(list)));
  EXPECT_EQ(list, ParseGuestList("default 1f  2f\n\nlxc:///system 3f")) << "as a shell writes it";
  EXPECT_TRUE(ParseGuestList("").empty());
}

}  // namespace
}  // namespace bv
