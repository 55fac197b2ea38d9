#include "storage/partition_table.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"

namespace bv::storage {

using model::PartitionFormat;
using model::PoolExtent;

namespace {

[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError, std::move(text)); }

struct Label {
  std::string_view parted, pool;
};
constexpr Label kLabels[] = {{"msdos", "dos"}, {"dvh", "dvh"}, {"gpt", "gpt"}, {"mac", "mac"}, {"bsd", "bsd"}, {"pc98", "pc98"}, {"sun", "sun"}};

constexpr unsigned kMaxPrimary = 4;  // of msdos; logical ones come after
constexpr std::uint64_t kAlignment = 1 << 20;

// "1048576B"
std::optional<std::uint64_t> Bytes(std::string_view word) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || std::string_view(end, static_cast<std::size_t>(word.data() + word.size() - end)) != "B") return std::nullopt;
  return number;
}

PartitionKind KindOf(std::string_view word) {
  if (word == "extended") return PartitionKind::kExtended;
  return word == "logical" ? PartitionKind::kLogical : PartitionKind::kPrimary;
}

void ReadRow(const std::vector<std::string_view>& words, PartitionTable& table) {
  bool numbered = !Bytes(words[0]);
  std::size_t first = numbered ? 1 : 0;
  if (words.size() < first + 3) Fail("cannot understand the partitions that parted shows");
  auto start = Bytes(words[first]), end = Bytes(words[first + 1]);
  if (!start || !end || *end < *start) Fail("cannot understand the partitions that parted shows");
  std::string_view next = words.size() > first + 3 ? words[first + 3] : std::string_view();
  if (!numbered) {
    if (next == "Free") table.free.push_back({*start, *end + 1});
    return;
  }
  Partition partition{0, KindOf(next), *start, *end + 1};
  std::from_chars(words[0].data(), words[0].data() + words[0].size(), partition.number);
  table.partitions.push_back(partition);
}

const Partition* Extended(const PartitionTable& table) {
  auto found = std::ranges::find(table.partitions, PartitionKind::kExtended, &Partition::kind);
  return found == table.partitions.end() ? nullptr : &*found;
}

// The lowest number from `first` on that no partition has.
unsigned FreeNumber(const PartitionTable& table, unsigned first) {
  auto taken = [&](unsigned number) { return std::ranges::find(table.partitions, number, &Partition::number) != table.partitions.end(); };
  while (taken(first)) ++first;
  return first;
}

PartitionPlan PlanKind(const PartitionTable& table, PartitionFormat format) {
  PartitionPlan plan{FreeNumber(table, 1), PartitionKind::kPrimary, 0, 0};
  if (table.label != "msdos") return plan;
  if (format == PartitionFormat::kExtended) {
    if (Extended(table)) Fail("extended partition already exists");
    plan.kind = PartitionKind::kExtended;
  }
  if (plan.number <= kMaxPrimary) return plan;
  if (format == PartitionFormat::kExtended || !Extended(table)) Fail("no extended partition found and no primary partition available");
  plan.kind = PartitionKind::kLogical;
  plan.number = FreeNumber(table, kMaxPrimary + 1);
  return plan;
}

}  // namespace

PartitionTable ReadPartitionTable(std::string_view output) {
  constexpr std::string_view kLabel = "Partition Table: ";
  PartitionTable table;
  bool rows = false;
  for (std::string_view line : SplitAt(output, '\n')) {
    auto words = Words(line);
    if (line.starts_with(kLabel)) {
      table.label = line.substr(kLabel.size());
    } else if (line.starts_with("Number ")) {
      rows = true;
    } else if (rows && !words.empty()) {
      ReadRow(words, table);
    }
  }
  if (table.label.empty()) Fail("cannot understand the partitions that parted shows");
  return table;
}

std::string_view PoolFormatOf(std::string_view label) {
  auto found = std::ranges::find(kLabels, label, &Label::parted);
  return found == std::end(kLabels) ? std::string_view() : found->pool;
}

std::string_view LabelOf(std::string_view pool_format) {
  auto found = std::ranges::find(kLabels, pool_format, &Label::pool);
  return found == std::end(kLabels) ? pool_format : found->parted;
}

PartitionPlan PlanPartition(const PartitionTable& table, PartitionFormat format, std::uint64_t size) {
  constexpr std::uint64_t kSector = 512;
  size = (size + kSector - 1) / kSector * kSector;
  PartitionPlan plan = PlanKind(table, format);
  const Partition* extended = Extended(table);
  const PoolExtent* best = nullptr;
  for (const PoolExtent& room : table.free) {
    bool inside = extended && room.start >= extended->start && room.end <= extended->end;
    if (inside != (plan.kind == PartitionKind::kLogical) || room.end - room.start < size) continue;
    if (!best || room.end - room.start < best->end - best->start) best = &room;
  }
  if (!best) Fail("no large enough free extent");
  plan.start = (best->start + kAlignment - 1) / kAlignment * kAlignment;
  if (plan.start > best->end || best->end - plan.start < size) plan.start = best->start;
  plan.end = plan.start + size;
  return plan;
}

std::vector<std::string> PartitionArguments(const PartitionTable& table, const PartitionPlan& plan, PartitionFormat format) {
  constexpr const char* kKinds[] = {"primary", "extended", "logical"};
  std::vector<std::string> arguments{kKinds[static_cast<std::size_t>(plan.kind)]};
  // Only tables that have types of partitions take one.
  if (table.label == "msdos" && plan.kind != PartitionKind::kExtended) {
    bool own = format == PartitionFormat::kFat16 || format == PartitionFormat::kFat32 || format == PartitionFormat::kLinuxSwap;
    arguments.emplace_back(own ? model::ToString(format) : "ext2");
  }
  arguments.push_back(std::to_string(plan.start) + "B");
  arguments.push_back(std::to_string(plan.end - 1) + "B");
  return arguments;
}

}  // namespace bv::storage
