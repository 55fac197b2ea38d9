#include "daemon/personality.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/options.h"

namespace bv {
namespace {

TEST(PersonalityTest, AllFifteenAreThere) {
  EXPECT_EQ(15u, Personalities().size());
  for (const Personality& personality : Personalities()) EXPECT_EQ(&personality, FindPersonality(personality.name));
  EXPECT_EQ(nullptr, FindPersonality("virtd"));
  EXPECT_EQ("libvirt", FindPersonality("virtproxyd")->SocketPrefix());
  EXPECT_EQ("virtqemud", FindPersonality("virtqemud")->SocketPrefix());
}

struct Parsed {
  std::optional<Options> options;
  int status;
};

Parsed Parse(const char* daemon, std::vector<std::string> words) {
  words.insert(words.begin(), daemon);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Parsed parsed;
  parsed.options = ParseOptions(*FindPersonality(daemon), static_cast<int>(words.size()), argv.data(), parsed.status);
  return parsed;
}

TEST(OptionsTest, LongAndShort) {
  auto parsed = Parse("libvirtd", {"-d", "--listen", "-t", "30", "-f", "x.conf", "--pid-file=p", "-v"});
  ASSERT_TRUE(parsed.options);
  EXPECT_TRUE(parsed.options->daemonize && parsed.options->listen && parsed.options->verbose);
  EXPECT_EQ(30, parsed.options->timeout);
  EXPECT_EQ("x.conf", parsed.options->config_file);
  EXPECT_EQ("p", parsed.options->pid_file);
}

// What ends with status 1 in the original does so here.
TEST(OptionsTest, Refusals) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(Parse("virtqemud", {"--listen"}).options) << "only libvirtd takes it";
  for (const char* timeout : {"abc", "-5", "", "4294967296"}) {
    auto parsed = Parse("libvirtd", {"-t", timeout});
    EXPECT_FALSE(parsed.options) << timeout;
    EXPECT_EQ(1, parsed.status);
  }
  EXPECT_FALSE(Parse("libvirtd", {"extra"}).options);
  EXPECT_TRUE(Parse("virtlogd", {"extra"}).options) << "virtlogd lets it pass";
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace bv
