#include "qemu/keycodes.h"

#include <gtest/gtest.h>

namespace bv::qemu {
namespace {

enum Codeset : std::uint32_t { kLinux, kXt, kAtSet1, kAtSet2, kAtSet3, kOsx, kXtKbd, kUsb, kWin32, kQnum, kNoCodeset };
constexpr std::optional<std::uint32_t> kNothing;

TEST(Keycodes, AKeyHasOneNumberWhateverItIsCalled) {
  struct Key {
    std::uint32_t qnum, codes[10];  // by codeset
  };
  constexpr Key kKeys[] = {
      {0x1e, {30, 0x1e, 0x1e, 0x1c, 0x1c, 0x00, 0x1e, 0x04, 0x41, 0x1e}},              // A
      {0x1c, {28, 0x1c, 0x1c, 0x5a, 0x5a, 0x24, 0x1c, 0x28, 0x0d, 0x1c}},              // Enter
      {0x01, {1, 0x01, 0x01, 0x76, 0x08, 0x35, 0x01, 0x29, 0x1b, 0x01}},               // Escape
      {0xc8, {103, 0xe048, 0xe048, 0xe075, 0x63, 0x7e, 0x148, 0x52, 0x26, 0xc8}},      // up
  };
  for (auto& key : kKeys) {
    for (std::uint32_t codeset = 0; codeset < kNoCodeset; ++codeset)
      EXPECT_EQ(TranslateKey(codeset, key.codes[codeset]), key.qnum) << CodesetName(codeset) << " " << key.codes[codeset];
  }
}

TEST(Keycodes, WhatACodesetLacksIsNothing) {
  EXPECT_EQ(TranslateKey(kLinux, 999), kNothing);
  EXPECT_EQ(TranslateKey(kLinux, 266), kNothing);
  EXPECT_EQ(TranslateKey(kXt, 0x60), kNothing);
  EXPECT_EQ(TranslateKey(kXt, 0xe000), kNothing);
  EXPECT_EQ(TranslateKey(kXtKbd, 255), kNothing);
  EXPECT_EQ(TranslateKey(kUsb, 0x10000), kNothing);
  EXPECT_EQ(TranslateKey(kNoCodeset, 1), kNothing);
}

TEST(Keycodes, ButtonsOfOtherDevicesAreAcceptedAndDoNothing) {
  EXPECT_EQ(TranslateKey(kLinux, 272), 0u);
  EXPECT_EQ(TranslateKey(kLinux, 255), 0u);
}

}  // namespace
}  // namespace bv::qemu
