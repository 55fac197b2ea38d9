#include "storage/iscsi_report.h"

#include "base/text.h"

namespace bv::storage {

std::string FindSession(std::string_view sessions, std::string_view target) {
  for (std::string_view line : SplitAt(sessions, '\n')) {
    auto words = Words(line);
    if (words.size() < 4 || words[3] != target) continue;
    std::string_view number = words[1];
    if (number.size() > 2 && number.front() == '[' && number.back() == ']') return std::string(number.substr(1, number.size() - 2));
  }
  return {};
}

std::string FindInterface(std::string_view interfaces, std::string_view initiator) {
  constexpr std::size_t kInitiator = 4;
  for (std::string_view line : SplitAt(interfaces, '\n')) {
    auto words = Words(line);
    if (words.size() < 2) continue;
    auto fields = SplitAt(words[1], ',');
    if (fields.size() > kInitiator && fields[kInitiator] == initiator) return std::string(words[0]);
  }
  return {};
}

std::vector<std::string> ReadTargets(std::string_view targets) {
  std::vector<std::string> found;
  for (std::string_view line : SplitAt(targets, '\n')) {
    auto words = Words(line);
    if (words.size() >= 2) found.emplace_back(words[1]);
  }
  return found;
}

}  // namespace bv::storage
