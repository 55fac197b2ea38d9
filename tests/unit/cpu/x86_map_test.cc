// The CPU map that the compiler made from data/cpu/x86.map is whole and says what the processors' manuals say.
#include "cpu/x86_map.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

namespace bv::cpu::x86 {
namespace {

bool Has(const Model& model, std::string_view feature) { return model.features.Has(FindFeature(feature).value()); }

TEST(X86Map, FeaturesAreDistinctBits) {
  std::set<std::tuple<std::uint32_t, int, bool, Register, int>> bits;
  std::set<std::string_view> names;
  for (const Feature& f : Features()) {
    EXPECT_TRUE(bits.insert({f.function, f.subleaf, f.msr, f.reg, f.bit}).second) << f.Text();
    EXPECT_TRUE(names.insert(f.Text()).second) << f.Text();
  }
  EXPECT_EQ(Features().size(), 212u);
}

TEST(X86Map, KnowsEveryModelOnce) {
  std::set<std::string_view> names;
  for (const Model& m : Models()) EXPECT_TRUE(names.insert(m.Text()).second) << m.Text();
  EXPECT_EQ(names.size(), 58u);
  EXPECT_EQ(Models().front().Text(), "486");
  EXPECT_EQ(FindModel("NoSuchCpu"), nullptr);
}

TEST(X86Map, ModelsAddAndRemoveFeatures) {
  const Model& haswell = *FindModel("Haswell-noTSX-IBRS");
  EXPECT_TRUE(Has(haswell, "avx2"));
  EXPECT_TRUE(Has(haswell, "spec-ctrl"));
  EXPECT_FALSE(Has(haswell, "hle"));
  EXPECT_EQ(haswell.features.size(), 49u);
  const Model& dhyana = *FindModel("Dhyana");
  EXPECT_FALSE(Has(dhyana, "aes"));
  EXPECT_EQ(VendorName(dhyana.vendor), "Hygon");
  ASSERT_EQ(dhyana.removed().size(), 1u);
  EXPECT_EQ(Features()[dhyana.removed()[0]].Text(), "monitor");
}

TEST(X86Map, SignaturesAndFlags) {
  const Model& server = *FindModel("Skylake-Server");
  EXPECT_TRUE(server.Matches(6, 85, 4));
  EXPECT_FALSE(server.Matches(6, 85, 5));
  EXPECT_TRUE(FindModel("Cascadelake-Server")->Matches(6, 85, 5));
  EXPECT_FALSE(FindModel("cpu64-rhel6")->decode_guest);
  EXPECT_FALSE(FindModel("Icelake-Server-noTSX")->decode_guest);
  EXPECT_TRUE(FindModel("Icelake-Server-noTSX")->decode_host);
  EXPECT_FALSE(Features()[*FindFeature("invtsc")].migratable);
  EXPECT_EQ(FindVendorString("AuthenticAMD"), FindVendor("AMD"));
}

}  // namespace
}  // namespace bv::cpu::x86
