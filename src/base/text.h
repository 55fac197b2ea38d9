#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace bv {

// The parts of a text between separators; nothing follows a separator at its end. They point into `text`.
inline std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// The words of a text, without the white space between them. They point into `text`.
inline std::vector<std::string_view> Words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string_view> words;
  while ((text = text.substr(std::min(text.find_first_not_of(kSpace), text.size()))).size() > 0) {
    words.push_back(text.substr(0, text.find_first_of(kSpace)));
    text.remove_prefix(words.back().size());
  }
  return words;
}

}  // namespace bv
