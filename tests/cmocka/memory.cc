// test_malloc and its kin: blocks between guard bytes, on a list, so that overruns and leaks are told.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "cmocka.h"
#include "cmocka/state.h"

namespace cmocka {
namespace {

constexpr size_t kGuard = 16;  // keeps the alignment of malloc
constexpr char kGuardByte = '\xef';

struct Block {
  size_t number;  // in the order of allocation
  size_t size;
  const char* file;
  int line;
};
std::map<void*, Block> g_blocks;
size_t g_next = 0;

bool Intact(const char* guard) {
  for (size_t i = 0; i < kGuard; i++)
    if (guard[i] != kGuardByte) return false;
  return true;
}

}  // namespace

void* Malloc(std::size_t size, const char* file, int line) {
  auto* raw = static_cast<char*>(std::malloc(size + 2 * kGuard));
  if (!raw) return nullptr;
  memset(raw, kGuardByte, size + 2 * kGuard);
  g_blocks[raw + kGuard] = {g_next++, size, file, line};
  return raw + kGuard;
}

void* Calloc(std::size_t count, std::size_t size, const char* file, int line) {
  void* block = Malloc(count * size, file, line);
  if (block) memset(block, 0, count * size);
  return block;
}

void* Realloc(void* block, std::size_t size, const char* file, int line) {
  void* moved = size ? Malloc(size, file, line) : nullptr;
  auto old = g_blocks.find(block);
  if (moved && old != g_blocks.end()) memcpy(moved, block, std::min(size, old->second.size));
  if (block && (moved || size == 0)) Free(block, file, line);
  return moved;
}

void Free(void* block, const char* file, int line) {
  if (!block) return;
  auto found = g_blocks.find(block);
  if (found == g_blocks.end()) {
    AddMessage(fmt::format("{}:{}: error: block {} was not allocated with test_malloc", file, line, block));
    StopAt(file, line);
  }
  Block known = found->second;
  char* raw = static_cast<char*>(block) - kGuard;
  bool intact = Intact(raw) && Intact(raw + kGuard + known.size);
  g_blocks.erase(found);
  std::free(raw);
  if (intact) return;
  AddMessage(fmt::format("{}:{}: error: Guard block of {} size={} is corrupt", file, line, block, known.size));
  AddMessage(fmt::format("{}:{}: note: allocated here", known.file, known.line));
  StopAt(file, line);
}

size_t AllocationMark() { return g_next; }

bool ReportLeaks(size_t mark, const std::string& test) {
  size_t leaked = 0;
  for (const auto& [block, known] : g_blocks) {
    if (known.number < mark) continue;
    if (leaked++ == 0) AddMessage("Blocks allocated...");
    AddMessage(fmt::format("{}:{}: note: block {} allocated here", known.file, known.line, block));
  }
  if (leaked) AddMessage(fmt::format("ERROR: {} leaked {} block(s)\n", test, leaked));
  return leaked > 0;
}

void ForgetBlocks(size_t mark) {
  for (auto it = g_blocks.begin(); it != g_blocks.end();) {
    if (it->second.number < mark) {
      ++it;
      continue;
    }
    std::free(static_cast<char*>(it->first) - kGuard);
    it = g_blocks.erase(it);
  }
}

}  // namespace cmocka
