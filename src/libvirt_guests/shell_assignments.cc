#include "libvirt_guests/shell_assignments.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace bv {

namespace {

bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool EndsWord(char c) { return std::string_view(" \t\r\n;&|").find(c) != std::string_view::npos; }

class Reader {
 public:
  Reader(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  std::vector<ShellAssignment> Read() {
    std::vector<ShellAssignment> assignments;
    while (!AtEnd()) {
      SkipBlanks();
      if (text_.substr(at_).starts_with("export ")) at_ += 7, SkipBlanks();
      std::size_t begin = at_;
      while (!AtEnd() && IsNameChar(text_[at_])) ++at_;
      std::string name(text_.substr(begin, at_ - begin));
      bool named = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0]));
      if (named && !AtEnd() && text_[at_] == '=') {
        ++at_;
        int line = Line();
        assignments.push_back({std::move(name), ReadWord(), line});
      } else {
        SkipLine();
      }
    }
    return assignments;
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  int Line() const { return 1 + static_cast<int>(std::ranges::count(text_.substr(0, at_), '\n')); }
  void SkipBlanks() {
    while (!AtEnd() && (EndsWord(text_[at_]))) ++at_;
  }
  void SkipLine() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  std::string ReadWord() {
    std::string word;
    while (!AtEnd() && !EndsWord(text_[at_])) {
      char c = text_[at_++];
      if (c == '\'' || c == '"') {
        ReadQuoted(c, word);
      } else if (c == '\\' && !AtEnd()) {
        if (text_[at_] != '\n') word += text_[at_];
        ++at_;
      } else {
        word += c;
      }
    }
    return word;
  }

  void ReadQuoted(char quote, std::string& word) {
    int line = Line();
    for (; !AtEnd() && text_[at_] != quote; ++at_) {
      bool escapes = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size();
      if (escapes && std::string_view("\"\\$`\n").find(text_[at_ + 1]) != std::string_view::npos) ++at_;
      if (!(escapes && text_[at_] == '\n')) word += text_[at_];
    }
    if (AtEnd()) {
      throw Error(ErrorDomain::kConf, ErrorCode::kConfSyntax, fmt::format("{}:{}: a quote has no end", file_name_, line));
    }
    ++at_;
  }

  std::string_view text_, file_name_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<ShellAssignment> ParseShellAssignments(std::string_view text, std::string_view file_name) {
  return Reader(text, file_name).Read();
}

}  // namespace bv
