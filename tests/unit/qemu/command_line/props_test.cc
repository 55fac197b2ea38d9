#include "qemu/command_line/props.h"

#include <gtest/gtest.h>

#include "qemu/command_line/arguments.h"
#include "qemu/command_line/secret_object.h"

namespace bv::qemu {
namespace {

TEST(Props, KeepsOrderAndSkipsWhatIsNotGiven) {
  auto props = Props::Device("virtio-rng-pci")
                   .Add("rng", "objrng0")
                   .Add("max-bytes", std::optional<unsigned>())
                   .Add("period", std::optional<unsigned>(1234))
                   .AddSet("queue-size", 0u)
                   .Add("packed", true)
                   .AddOnOff("master", false)
                   .AddHex("addr", 0x1d);
  EXPECT_EQ(props.Dump(),
            R"({"driver":"virtio-rng-pci","rng":"objrng0","period":1234,"packed":true,"master":"off","addr":"0x1d"})");
  EXPECT_EQ(props.ToOptionString(), "virtio-rng-pci,rng=objrng0,period=1234,packed=on,master=off,addr=0x1d");
}

TEST(Props, SlashesAreNotEscaped) { EXPECT_EQ(Props().Add("path", "/a,b").Dump(), R"({"path":"/a,b"})"); }

TEST(Props, NestedMembersFlatten) {
  Props props = Props::Device("nbd");
  props.Add("server", Props().Add("type", "inet").Add("host", "a,b"));
  EXPECT_EQ(props.ToOptionString(), "nbd,server.type=inet,server.host=a,,b");
}

TEST(OptionString, DoublesCommas) {
  EXPECT_EQ(OptionString().Add("guest", "foo=1,bar=2").Add("debug-threads", true).str(),
            "guest=foo=1,,bar=2,debug-threads=on");
}

TEST(CommandLine, ShellFormQuotesOnlyWhatNeedsIt) {
  CommandLine line;
  line.environment.emplace_back("HOME", "/a b");
  line.Option("/usr/bin/qemu");
  line.Option("-name", "guest=it's");
  line.Option("-boot", "strict=on");
  EXPECT_EQ(line.ToShell(), R"(HOME='/a b' /usr/bin/qemu -name 'guest=it'\''s' -boot strict=on)");
}

// Known answer from `openssl enc -aes-256-cbc -K 00..1f -iv 00..0f`.
TEST(SecretObject, EncryptsAsQemuExpects) {
  MasterKey key;
  for (int i = 0; i < 32; ++i) key[i] = static_cast<std::uint8_t>(i);
  std::array<std::uint8_t, 16> iv;
  for (int i = 0; i < 16; ++i) iv[i] = static_cast<std::uint8_t>(i);
  auto json = EncryptedSecretObject("s0", "a secret of more than one block", key, iv).json();
  EXPECT_EQ(json.GetString("data"), "14TxvL+TDVkn+BQw0J/hWUlBUnrbc5jKMgW2GvbVnMw=");
  EXPECT_EQ(json.GetString("iv"), "AAECAwQFBgcICQoLDA0ODw==");
  EXPECT_EQ(json.GetString("keyid"), "masterKey0");
}

}  // namespace
}  // namespace bv::qemu
