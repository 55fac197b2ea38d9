#include "base/conf.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace bv {

namespace {

bool IsKeyStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsKeyPart(char c) { return IsKeyStart(c) || (c >= '0' && c <= '9'); }

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  std::vector<ConfEntry> Parse() {
    std::vector<ConfEntry> entries;
    for (SkipBlank(); !rest_.empty(); SkipBlank()) entries.push_back(TakeEntry());
    return entries;
  }

 private:
  [[noreturn]] void Fail(std::string_view what) const {
    throw Error(ErrorDomain::kConf, ErrorCode::kConfSyntax, fmt::format("{}:{}: {}", file_, line_, what));
  }

  char Peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  void Advance(std::size_t count = 1) {
    for (char c : rest_.substr(0, count)) line_ += c == '\n';
    rest_.remove_prefix(count);
  }
  void SkipSpaces() {
    while (Peek() == ' ' || Peek() == '\t') Advance();
  }
  // White space, line ends and comments.
  void SkipBlank() {
    for (;;) {
      char c = Peek();
      if (c == '#') {
        Advance(std::min(rest_.find('\n'), rest_.size()));
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        Advance();
      } else {
        return;
      }
    }
  }

  ConfEntry TakeEntry() {
    ConfEntry entry;
    entry.line = line_;
    if (!IsKeyStart(Peek())) Fail("expecting a name");
    std::size_t length = 1;
    while (length < rest_.size() && IsKeyPart(rest_[length])) ++length;
    entry.key = rest_.substr(0, length);
    Advance(length);
    SkipSpaces();
    if (Peek() != '=') Fail("expecting an assignment");
    Advance();
    SkipSpaces();
    entry.value = TakeValue();
    SkipSpaces();
    if (Peek() == '\r') Advance();
    if (Peek() != '\n' && Peek() != '#' && !rest_.empty()) Fail("expecting a separator");
    return entry;
  }

  ConfValue TakeValue() {
    char c = Peek();
    if (c == '[') return TakeList();
    if (c == '"' || c == '\'') return TakeString();
    if (c == '-' || (c >= '0' && c <= '9')) return TakeNumber();
    Fail("expecting a value");
  }

  std::int64_t TakeNumber() {
    std::int64_t value;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) Fail("numerical overflow or no digits");
    Advance(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::string TakeString() {
    if (rest_.starts_with("\"\"\"")) return TakeUpTo(3, "\"\"\"", true);
    return TakeUpTo(1, rest_.substr(0, 1), false);
  }

  std::string TakeUpTo(std::size_t opening, std::string_view closing, bool lines_allowed) {
    auto end = rest_.find(closing, opening);
    if (end == rest_.npos) Fail("unterminated string");
    std::string value(rest_.substr(opening, end - opening));
    if (!lines_allowed && value.find('\n') != value.npos) Fail("unterminated string");
    Advance(end + closing.size());
    return value;
  }

  std::vector<std::string> TakeList() {
    std::vector<std::string> list;
    Advance();
    SkipBlank();
    while (Peek() != ']') {
      if (Peek() != '"' && Peek() != '\'') Fail("expecting a string in the list");
      list.push_back(TakeString());
      SkipBlank();
      if (Peek() == ',') {
        Advance();
        SkipBlank();
      } else if (Peek() != ']') {
        Fail("list is not closed with ]");
      }
    }
    Advance();
    return list;
  }

  std::string_view rest_;
  std::string_view file_;
  int line_ = 1;
};

}  // namespace

std::vector<ConfEntry> ParseConf(std::string_view text, std::string_view file_name) {
  return Parser(text, file_name).Parse();
}

}  // namespace bv
