#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cpu/feature_set.h"

// The x86 CPU models, vendors and features of data/cpu/x86.map, as constant tables that the compiler made
// from that file: nothing to load, and only the pages that are looked at become resident.
namespace bv::cpu::x86 {

// A piece of the map's text: tables of these need no relocation, which pointers would.
struct Name {
  std::uint16_t offset = 0;
  std::uint16_t length = 0;
};
std::string_view Text(Name name);

enum class Register : std::uint8_t { kEax, kEbx, kEcx, kEdx };

struct Feature {
  Name name;
  std::uint32_t function = 0;  // CPUID function, or the number of the MSR
  std::uint8_t subleaf = 0;
  bool msr = false;
  Register reg = Register::kEax;
  std::uint8_t bit = 0;
  bool migratable = true;  // may a guest that has it be moved to another host?

  std::string_view Text() const { return x86::Text(name); }
};

struct Vendor {
  Name name;    // "Intel"
  Name string;  // "GenuineIntel"
};
constexpr std::uint8_t kNoVendor = 0xff;

struct Signature {
  std::uint8_t family = 0;
  std::uint8_t model = 0;
  std::uint16_t steppings = 0xffff;  // one bit each

  constexpr bool Matches(unsigned f, unsigned m, unsigned stepping) const {
    return family == f && model == m && (steppings >> (stepping & 15) & 1);
  }
};

struct Model {
  static constexpr std::size_t kMaxSignatures = 4, kMaxRemoved = 4;

  Name name;
  std::uint8_t vendor = kNoVendor;  // of Vendors()
  bool decode_host = true;          // may describe a host, a guest?
  bool decode_guest = true;
  std::uint8_t signature_count = 0;
  std::uint8_t removed_count = 0;
  std::array<Signature, kMaxSignatures> signature_list;
  // Features that the model once had: guests get them mentioned as disabled.
  std::array<std::uint8_t, kMaxRemoved> removed_list{};
  FeatureSet features;

  std::string_view Text() const { return x86::Text(name); }
  std::span<const Signature> signatures() const { return {signature_list.data(), signature_count}; }
  std::span<const std::uint8_t> removed() const { return {removed_list.data(), removed_count}; }
  bool Matches(unsigned f, unsigned m, unsigned stepping) const {
    for (const Signature& s : signatures())
      if (s.Matches(f, m, stepping)) return true;
    return false;
  }
};

std::span<const Vendor> Vendors();
std::span<const Feature> Features();  // in the order that XML lists them in
std::span<const Model> Models();

// The index into Features(), or nothing.
std::optional<std::size_t> FindFeature(std::string_view name);
const Model* FindModel(std::string_view name);
std::optional<std::uint8_t> FindVendor(std::string_view name);
// By CPUID leaf 0's twelve characters.
std::optional<std::uint8_t> FindVendorString(std::string_view string);

// "" for none.
std::string_view VendorName(std::uint8_t vendor);

}  // namespace bv::cpu::x86
