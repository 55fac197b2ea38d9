#include "cpu/x86_map.h"

#include <algorithm>
#include <array>

namespace bv::cpu::x86 {
namespace {

constexpr char kText[] =
#include "cpu/x86.map.inc"
    ;

// --- reading the map: everything below runs in the compiler, where a throw is an error message -------

struct Tables {
  std::array<Vendor, 4> vendors;
  std::array<Feature, FeatureSet::kCapacity> features;
  std::array<std::uint8_t, FeatureSet::kCapacity> by_name{};  // indexes of features in their names' order
  std::array<Model, 64> models;
  std::uint16_t vendor_count = 0, feature_count = 0, model_count = 0;
};

constexpr std::string_view Piece(Name name) { return {kText + name.offset, name.length}; }

constexpr std::uint32_t Number(std::string_view text) {
  bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint32_t value = 0;
  for (char c : text) {
    int digit = c >= '0' && c <= '9' ? c - '0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) throw "not a number";
    value = value * (hex ? 16 : 10) + digit;
  }
  if (text.empty()) throw "an empty number";
  return value;
}

// "TEXT/REST", split at the first `separator`; the rest may be missing.
struct Split {
  std::string_view first, rest;
};
constexpr Split SplitAt(std::string_view text, char separator) {
  std::size_t at = text.find(separator);
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

constexpr Register RegisterOf(std::string_view name) {
  if (name == "eax") return Register::kEax;
  if (name == "ebx") return Register::kEbx;
  if (name == "ecx") return Register::kEcx;
  if (name == "edx") return Register::kEdx;
  throw "not a register";
}

class Reader {
 public:
  constexpr Tables Read() {
    while (at_ < sizeof(kText) - 1) {
      std::size_t end = at_;
      while (kText[end] != '\n') end++;
      end_ = end;
      Name first = Next();
      if (first.length != 0 && kText[first.offset] != '#') Line(first);
      at_ = end + 1;
    }
    SortNames();
    return tables_;
  }

 private:
  // The next word of the line; empty at its end.
  constexpr Name Next() {
    while (at_ < end_ && kText[at_] == ' ') at_++;
    std::size_t start = at_;
    while (at_ < end_ && kText[at_] != ' ') at_++;
    return {static_cast<std::uint16_t>(start), static_cast<std::uint16_t>(at_ - start)};
  }
  constexpr std::string_view NextText() { return Piece(Next()); }

  constexpr void Line(Name first) {
    std::string_view word = Piece(first);
    if (word == "vendor") {
      Name name = Next();
      tables_.vendors.at(tables_.vendor_count++) = {name, Next()};
    } else if (word == "leaf" || word == "msr") {
      register_ = {};
      register_.msr = word == "msr";
      Split number = SplitAt(NextText(), '.');
      register_.function = Number(number.first);
      if (!number.rest.empty()) register_.subleaf = Number(number.rest);
      register_.reg = RegisterOf(NextText());
    } else if (word == "model") {
      StartModel();
    } else if (tables_.model_count == 0) {
      AddFeature(Number(word));
    } else if (word == "sig") {
      AddSignatures();
    } else if (word == "like") {
      model().features = Find(NextText()).features;
    } else if (word == "removed") {
      for (Name n = Next(); n.length != 0; n = Next())
        model().removed_list.at(model().removed_count++) = static_cast<std::uint8_t>(Index(Piece(n)));
    } else {
      for (Name n = first; n.length != 0; n = Next()) ChangeFeature(Piece(n));
    }
  }

  constexpr void AddFeature(std::uint32_t bit) {
    Feature feature = register_;
    feature.bit = static_cast<std::uint8_t>(bit);
    feature.name = Next();
    std::string_view flag = NextText();
    if (flag == "nomigrate") feature.migratable = false;
    else if (!flag.empty()) throw "unknown feature flag";
    tables_.features.at(tables_.feature_count++) = feature;
  }

  constexpr void StartModel() {
    Model added;
    added.name = Next();
    for (Name n = Next(); n.length != 0; n = Next()) {
      std::string_view word = Piece(n);
      if (word == "nohost") added.decode_host = false;
      else if (word == "noguest") added.decode_guest = false;
      else added.vendor = VendorIndex(word);
    }
    tables_.models.at(tables_.model_count++) = added;
  }

  constexpr void AddSignatures() {
    Signature signature;
    signature.family = static_cast<std::uint8_t>(Number(NextText()));
    for (Name n = Next(); n.length != 0; n = Next()) {
      Split parts = SplitAt(Piece(n), '/');
      signature.model = static_cast<std::uint8_t>(Number(parts.first));
      signature.steppings = 0xffff;
      if (!parts.rest.empty()) {
        Split range = SplitAt(parts.rest, '-');
        signature.steppings = 0;
        for (std::uint32_t i = Number(range.first); i <= Number(range.rest); i++)
          signature.steppings = static_cast<std::uint16_t>(signature.steppings | 1 << i);
      }
      model().signature_list.at(model().signature_count++) = signature;
    }
  }

  constexpr void ChangeFeature(std::string_view word) {
    if (word[0] == '+') model().features.Add(Index(word.substr(1)));
    else if (word[0] == '-') model().features.Remove(Index(word.substr(1)));
    else throw "expected +feature or -feature";
  }

  constexpr void SortNames() {
    auto names = std::span(tables_.by_name).first(tables_.feature_count);
    for (std::size_t i = 0; i < names.size(); i++) names[i] = static_cast<std::uint8_t>(i);
    std::ranges::sort(names, {}, [this](std::uint8_t i) { return Piece(tables_.features[i].name); });
  }

  constexpr Model& model() { return tables_.models.at(tables_.model_count - 1); }
  constexpr std::size_t Index(std::string_view name) const {
    for (std::size_t i = 0; i < tables_.feature_count; i++)
      if (Piece(tables_.features[i].name) == name) return i;
    throw "unknown feature";
  }
  constexpr const Model& Find(std::string_view name) const {
    for (std::size_t i = 0; i < tables_.model_count; i++)
      if (Piece(tables_.models[i].name) == name) return tables_.models[i];
    throw "unknown model";
  }
  constexpr std::uint8_t VendorIndex(std::string_view name) const {
    for (std::uint8_t i = 0; i < tables_.vendor_count; i++)
      if (Piece(tables_.vendors[i].name) == name) return i;
    throw "unknown vendor";
  }

  Tables tables_;
  Feature register_;  // where the features that follow are
  std::size_t at_ = 0, end_ = 0;
};

constexpr Tables kTables = Reader().Read();

}  // namespace

std::string_view Text(Name name) { return Piece(name); }
std::span<const Vendor> Vendors() { return {kTables.vendors.data(), kTables.vendor_count}; }
std::span<const Feature> Features() { return {kTables.features.data(), kTables.feature_count}; }
std::span<const Model> Models() { return {kTables.models.data(), kTables.model_count}; }

std::optional<std::size_t> FindFeature(std::string_view name) {
  auto names = std::span(kTables.by_name).first(kTables.feature_count);
  auto at = std::ranges::lower_bound(names, name, {}, [](std::uint8_t i) { return Piece(kTables.features[i].name); });
  if (at == names.end() || Piece(kTables.features[*at].name) != name) return std::nullopt;
  return *at;
}

const Model* FindModel(std::string_view name) {
  for (const Model& model : Models())
    if (model.Text() == name) return &model;
  return nullptr;
}

std::optional<std::uint8_t> FindVendor(std::string_view name) {
  for (std::uint8_t i = 0; i < kTables.vendor_count; i++)
    if (Piece(kTables.vendors[i].name) == name) return i;
  return std::nullopt;
}

std::optional<std::uint8_t> FindVendorString(std::string_view string) {
  for (std::uint8_t i = 0; i < kTables.vendor_count; i++)
    if (Piece(kTables.vendors[i].string) == string) return i;
  return std::nullopt;
}

std::string_view VendorName(std::uint8_t vendor) {
  return vendor == kNoVendor ? std::string_view() : Piece(kTables.vendors[vendor].name);
}

}  // namespace bv::cpu::x86
