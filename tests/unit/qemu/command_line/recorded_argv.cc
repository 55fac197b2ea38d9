#include "recorded_argv.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"

namespace bv::qemu {

namespace {

constexpr std::array<std::string_view, 7> kInherited = {"PATH", "USER", "LOGNAME", "LC_ALL", "LANG", "TMPDIR", "SHELL"};

Json SortKeys(const Json& value) {
  if (value.is_array()) {
    Json sorted = Json::Array();
    for (auto& element : value.elements()) sorted.Append(SortKeys(element));
    return sorted;
  }
  if (!value.is_object()) return value;
  auto members = value.members();
  std::ranges::sort(members, {}, &Json::Member::first);
  Json sorted = Json::Object();
  for (auto& [key, member] : members) sorted.Set(key.c_str(), SortKeys(member));
  return sorted;
}

// "-device {...}" with its JSON's keys sorted; other lines as they are.
std::string Canonical(const std::string& line) {
  auto brace = line.find(" {");
  if (brace == line.npos || line.back() != '}') return line;
  try {
    return line.substr(0, brace + 1) + SortKeys(Json::Parse(line.substr(brace + 1))).Dump();
  } catch (const Error&) {
    return line;
  }
}

bool StartsOption(std::string_view word) { return word.size() > 1 && word[0] == '-' && word[1] != '1'; }

}  // namespace

std::vector<std::string> RecordedForm(const CommandLine& line) {
  std::vector<std::string> out;
  for (auto& [name, value] : line.environment) {
    if (std::ranges::find(kInherited, name) == kInherited.end()) out.push_back(name + "=" + value);
  }
  bool first = true;
  for (auto& word : line.argv) {
    bool joins = !first && !StartsOption(word) && !out.empty() && out.back().starts_with('-') &&
                 out.back().find(' ') == std::string::npos;
    if (joins) out.back().append(" ").append(word);
    else out.push_back(word);
    first = false;
  }
  return out;
}

bool MatchesRecorded(std::string_view expected, std::string_view ours) {
  while (true) {
    if (expected.empty()) return ours.empty();
    if (expected[0] == '@') {
      auto end = expected.find('@', 1);
      bool placeholder = end != expected.npos && end > 1 &&
                         std::all_of(expected.begin() + 1, expected.begin() + end,
                                     [](unsigned char c) { return std::isupper(c) || c == '-'; });
      if (placeholder) {
        auto rest = expected.substr(end + 1);
        for (std::size_t i = 0; i <= ours.size(); ++i) {
          if (MatchesRecorded(rest, ours.substr(i))) return true;
          if (i < ours.size() && ours[i] == '"') return false;
        }
        return false;
      }
    }
    if (ours.empty() || ours[0] != expected[0]) return false;
    expected.remove_prefix(1);
    ours.remove_prefix(1);
  }
}

std::vector<std::string> DiffRecorded(const std::vector<std::string>& expected, const std::vector<std::string>& ours) {
  // Longest common subsequence; the lists are some dozens of lines.
  std::vector<std::string> a, b;
  for (auto& line : expected) a.push_back(Canonical(line));
  for (auto& line : ours) b.push_back(Canonical(line));
  std::vector<std::vector<unsigned>> common(a.size() + 1, std::vector<unsigned>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i][j] = MatchesRecorded(a[i], b[j]) ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::string> diff;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && MatchesRecorded(a[i], b[j])) {
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      diff.push_back("-" + a[i++]);
    } else {
      diff.push_back("+" + b[j++]);
    }
  }
  return diff;
}

}  // namespace bv::qemu
