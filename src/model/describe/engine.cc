#include "model/describe/engine.h"

#include <algorithm>

namespace bv::model {

namespace {

const xml::Node* FindChild(const Row& row, const xml::Node& element) {
  const xml::Node* found = element.Child(row.name);
  if (row.flags & kLastWins) {
    while (found) {
      const xml::Node* later = found->Next(row.name);
      if (!later) break;
      found = later;
    }
  }
  return found;
}

[[noreturn]] void Invalid(const xml::Node& node, std::string_view what) {
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, xml::PathOf(node) + ": " + std::string(what));
}

// While a document is held against the language, what is wrong with a value is wrong with the document.
constexpr unsigned kValidating = 1 << 1;  // VIR_DOMAIN_DEFINE_VALIDATE in every language's parsing flags

}  // namespace

// --- parsing -------------------------------------------------------------------------------------

bool Parser::validating() const { return flags_ & kValidating; }

void Parser::Fail(Fault fault, std::string message) const {
  if (validating()) throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, std::move(message));
  FailBeyondSchema(fault, std::move(message));
}

void Parser::Fail(ErrorDomain domain, ErrorCode code, std::string message) const {
  if (validating()) throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, std::move(message));
  throw Error(domain, code, std::move(message));
}

void Parser::FailBeyondSchema(Fault fault, std::string message) const {
  switch (fault) {
    case Fault::kXml: throw Error(ErrorDomain::kXml, ErrorCode::kXmlError, std::move(message));
    case Fault::kDomainXml: throw Error(domain_, ErrorCode::kXmlError, std::move(message));
    case Fault::kUnsupported: throw Error(domain_, ErrorCode::kConfigUnsupported, std::move(message));
    case Fault::kInternal: throw Error(domain_, ErrorCode::kInternalError, std::move(message));
    case Fault::kInvalidArg: throw Error(domain_, ErrorCode::kInvalidArg, std::move(message));
    case Fault::kXmlDetail: throw Error(domain_, ErrorCode::kXmlDetail, std::move(message));
    case Fault::kBitmap: throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, std::move(message));
    case Fault::kCommonXml: throw Error(ErrorDomain::kNone, ErrorCode::kXmlError, std::move(message));
    case Fault::kCommonUnsupported: throw Error(ErrorDomain::kNone, ErrorCode::kConfigUnsupported, std::move(message));
  }
  __builtin_unreachable();
}

namespace {

std::string BadAttributeMessage(const xml::Node& element, std::string_view name, std::string_view value, const char* expected) {
  std::string message = "Invalid value for attribute '";
  message.append(name).append("' in element '").append(element.name).append("': '").append(value).append("'.");
  if (*expected) message.append(" Expected ").append(expected);
  return message;
}

}  // namespace

void Parser::BadAttribute(const xml::Node& element, std::string_view name, std::string_view value, const char* expected) const {
  FailBeyondSchema(Fault::kXml, BadAttributeMessage(element, name, value, expected));
}

void Parser::MissingAttribute(const xml::Node& element, std::string_view name) const {
  FailBeyondSchema(Fault::kXml, "Missing required attribute '" + std::string(name) + "' in element '" + std::string(element.name) + "'");
}

namespace {

std::optional<std::string_view> FindAttribute(const Row& row, const xml::Node& element) {
  for (const xml::Attribute* a = element.attributes; a; a = a->next) {
    if (a->name_index == row.name_index && a->name == row.name) return a->value;
  }
  return std::nullopt;
}

}  // namespace

bool Parser::ReadAttribute(const Row& row, void* value, const xml::Node& element) {
  auto text = FindAttribute(row, element);
  if (text && text->empty() && (row.flags & kEmptyIsAbsent)) text.reset();
  if (!text) {
    if (!(row.flags & kRequired)) return false;
    if (flags_ & kValidating) Invalid(element, "missing attribute '" + std::string(row.name) + "'");
    if (row.missing_fault == Fault::kXml) MissingAttribute(element, row.name);
    Fail(row.missing_fault, "Missing required attribute '" + std::string(row.name) + "' in element '" + std::string(element.name) + "'");
  }
  const bool good = row.type->parse(value, *text, row);
  if (good && !(row.positive && validating())) return true;
  const bool zero = row.type != &kEnumValue && ((row.flags & kNonZero) || row.positive) && ParseNumber<std::uint64_t>(*text) == std::uint64_t{0};
  if (validating() && (zero ? row.positive : !good)) {
    Invalid(element, "invalid value '" + std::string(*text) + "' of attribute '" + std::string(row.name) + "'");
  }
  if (good) return true;
  if (row.flags & kIgnoreBad) return false;
  FailBeyondSchema(row.fault, BadAttributeMessage(element, row.name, *text, row.type->expected));
}

void Parser::ReadText(const Row& row, void* value, std::string_view text, const xml::Node& element) {
  if (row.type->parse(value, text, row)) return;
  if (flags_ & kValidating) Invalid(element, "invalid value '" + std::string(text) + "'");
  if (row.flags & kIgnoreBad) return;
  Fail(row.fault, "Invalid value '" + std::string(text) + "' for element or attribute './" + std::string(element.name) + "'");
}

std::uint64_t Parser::Scaled(std::uint64_t number, const xml::Node& element, const SizeSpec& spec) const {
  std::string_view unit = element.AttrOr("unit");
  if ((flags_ & kValidating) && !IsSizeUnit(unit)) Invalid(element, "invalid value '" + std::string(unit) + "' of attribute 'unit'");
  std::uint64_t bytes = ScaleToBytes(number, unit, spec.default_scale);
  return bytes / spec.scale + (bytes % spec.scale != 0);
}

std::uint64_t Parser::ScaledText(const xml::Node& element, const SizeSpec& spec) const {
  auto number = ParseNumber<std::uint64_t>(element.text);
  if (!number) {
    if (flags_ & kValidating) Invalid(element, "invalid value '" + std::string(element.text) + "'");
    Fail(Fault::kXml, "Invalid value '" + std::string(element.text) + "' for element or attribute './" + std::string(element.name) + "[1]'");
  }
  return Scaled(*number, element, spec);
}

unsigned Parser::SkippedFlags() const {
  return kFormatOnly | (inactive() ? kLiveOnly : 0) | (status() ? 0 : kStatusOnly);
}

namespace {

// Sizes are kept in members of several widths, optional or not.
void StoreSize(const Row& row, void* value, std::uint64_t size) {
  if (row.type == &kUint64Value) {
    *static_cast<std::uint64_t*>(value) = size;
  } else if (row.type == &kOptionalUint64Value) {
    *static_cast<std::optional<std::uint64_t>*>(value) = size;
  } else {
    *static_cast<std::uint32_t*>(value) = static_cast<std::uint32_t>(size);
  }
}

}  // namespace

void Parser::ReadRows(RowSpan rows, void* object, const xml::Node& element) {
  const unsigned skipped = skipped_;
  const std::uint64_t attributes = element.attribute_bits, children = element.child_bits;
  for (const Row *at = rows.rows, *end = at + rows.count; at != end; ++at) {
    const Row& row = *at;
    if (row.flags & skipped) continue;
    // Most rows are about what is not there.
    if (row.kind < RowKind::kText) {
      const std::uint64_t there = row.kind <= RowKind::kSizeAttr ? attributes : children;
      if (!(there >> row.name_index & 1) && !(row.flags & kRequired)) continue;
    } else if (row.kind == RowKind::kText && element.text.empty() && !(row.flags & kRequired)) {
      continue;
    }
    if (row.when && !(row.flags & kWhenWriting) && !row.when(object)) continue;
    switch (row.kind) {
      case RowKind::kAttr:
        ReadAttribute(row, row.At(object), element);
        break;
      case RowKind::kText:
        ReadText(row, row.At(object), element.text, element);
        break;
      case RowKind::kTextChild:
        if (const xml::Node* child = FindChild(row, element)) {
          // An empty element says nothing, as an XPath string() of it would.
          if (!child->text.empty() || row.type == &kOptionalStringValue) ReadText(row, row.At(object), child->text, *child);
        } else if (row.flags & kRequired) {
          Fail(row.missing_fault, "missing element '" + std::string(row.name) + "' in element '" + std::string(element.name) + "'");
        }
        break;
      case RowKind::kTextList:
        for (const xml::Node* child = element.Child(row.name); child; child = child->Next(row.name)) {
          ReadText(row, row.container->add(row.At(object)), child->text, *child);
        }
        break;
      case RowKind::kFlag:
        if (element.Child(row.name)) *static_cast<bool*>(row.At(object)) = true;
        break;
      case RowKind::kGroup:
        if (const xml::Node* child = FindChild(row, element)) {
          ReadRows(row.group(), object, *child);
        } else if (row.flags & kRequired) {
          Fail(row.missing_fault, "missing element '" + std::string(row.name) + "' in element '" + std::string(element.name) + "'");
        }
        break;
      case RowKind::kChild: {
        const xml::Node* child = FindChild(row, element);
        if (!child && (row.flags & kRequired)) {
          Fail(row.missing_fault, "missing element '" + std::string(row.name) + "' in element '" + std::string(element.name) + "'");
        }
        for (; child; child = row.container->many ? child->Next(row.name) : nullptr) {
          ReadElement(*row.child, row.container->add(row.At(object)), *child);
        }
        break;
      }
      case RowKind::kInclude:
        ReadElement(*row.child, row.At(object), element);
        break;
      case RowKind::kSize:
        if (const xml::Node* child = FindChild(row, element); child && !child->text.empty()) {
          StoreSize(row, row.At(object), ScaledText(*child, *row.size));
        }
        break;
      case RowKind::kSizeAttr:
        if (auto text = element.Attr(row.name)) {
          auto number = ParseNumber<std::uint64_t>(*text);
          if (!number) Fail(row.fault, BadAttributeMessage(element, row.name, *text, kUint64Value.expected));
          StoreSize(row, row.At(object), Scaled(*number, element, *row.size));
        } else if (row.flags & kRequired) {
          MissingAttribute(element, row.name);
        }
        break;
      case RowKind::kCustom:
        row.custom->parse(*this, object, element);
        break;
    }
  }
}

void Parser::ReadElement(const ErasedDescription& description, void* object, const xml::Node& element) {
  ReadRows(description.rows, object, element);
  if (description.after) description.after(*this, object, element);
}

// --- formatting ----------------------------------------------------------------------------------

unsigned Formatter::SkippedFlags() const {
  return kParseOnly | (inactive() ? kLiveOnly : 0) | (secure() ? 0 : kSecure) | (status() ? 0 : kStatusOnly);
}

namespace {

[[gnu::always_inline]] inline bool IsUnset(const Row& row, const void* value) {
  switch (row.type->unset) {
    case Unset::kAskFormat: return false;
    case Unset::kEnum: return *static_cast<const std::uint8_t*>(value) == 0 && ((row.flags & kSkipZero) || !*row.names[0]);
    case Unset::kString: return static_cast<const std::string*>(value)->empty() && !(row.flags & kAlways);
    case Unset::kNumber32: return *static_cast<const std::uint32_t*>(value) == 0 && !(row.flags & kAlways);
    case Unset::kOptional32: return !*static_cast<const std::optional<std::uint32_t>*>(value);
    case Unset::kOptional64: return !*static_cast<const std::optional<std::uint64_t>*>(value);
  }
  return false;
}

// Whether nothing will be written for sure: then the element need not be opened to find out.
bool IsNothing(RowSpan rows, const void* object, unsigned skipped) {
  for (const Row *at = rows.rows, *end = at + rows.count; at != end; ++at) {
    const Row& row = *at;
    if (row.flags & skipped) continue;
    switch (row.kind) {
      case RowKind::kAttr:
      case RowKind::kText:
      case RowKind::kTextChild:
        if (IsUnset(row, row.At(object))) continue;
        break;
      case RowKind::kGroup:
        if (!(row.flags & kAlways) && IsNothing(row.group(), object, skipped)) continue;
        break;
      case RowKind::kChild:
      case RowKind::kTextList:
        if (row.container->size(row.At(object)) == 0) continue;
        break;
      case RowKind::kFlag:
        if (!*static_cast<const bool*>(row.At(object))) continue;
        break;
      case RowKind::kInclude:
        if (IsNothing(row.child->rows, row.At(object), skipped)) continue;
        break;
      default:
        break;
    }
    if (!row.when || row.when(object)) return false;
  }
  return true;
}

}  // namespace

void Formatter::WriteContainer(const Row& row, const void* container) {
  const bool keeps_empty = (row.flags & kAlways) && !(row.flags & kNotEmpty);
  std::size_t size = row.container->size(container);
  for (std::size_t i = 0; i < size; ++i) {
    const void* element = row.container->get(container, i);
    if (!keeps_empty && IsNothing(row.child->rows, element, skipped_)) continue;
    auto mark = out_.Open(row.name);
    WriteRows(row.child->rows, element);
    if (keeps_empty) out_.Close(row.name);
    else out_.CloseUnlessEmpty(row.name, mark);
  }
}

namespace {

std::optional<std::uint64_t> LoadSize(const Row& row, const void* value) {
  std::uint64_t size;
  if (row.type == &kOptionalUint64Value) return *static_cast<const std::optional<std::uint64_t>*>(value);
  if (row.type == &kUint64Value) size = *static_cast<const std::uint64_t*>(value);
  else size = *static_cast<const std::uint32_t*>(value);
  if (size == 0 && !(row.flags & kAlways)) return std::nullopt;
  return size;
}

}  // namespace

void Formatter::WriteRow(const Row& row, const void* object) {
  switch (row.kind) {
    case RowKind::kAttr:
      if (IsUnset(row, row.At(object))) break;
      if (auto text = row.type->format(row.At(object), scratch_, row)) out_.Attr(row.name, *text);
      break;
    case RowKind::kText:
      // The element's text ends it: its own row closes it as the last thing written.
      if (auto text = row.type->format(row.At(object), scratch_, row)) out_.TextContent(*text);
      break;
    case RowKind::kTextChild:
      if (IsUnset(row, row.At(object))) break;
      if (auto text = row.type->format(row.At(object), scratch_, row)) out_.TextElement(row.name, *text);
      break;
    case RowKind::kTextList: {
      const void* container = row.At(object);
      for (std::size_t i = 0; i < row.container->size(container); ++i) {
        if (auto text = row.type->format(row.container->get(container, i), scratch_, row)) out_.TextElement(row.name, *text);
      }
      break;
    }
    case RowKind::kFlag:
      if (*static_cast<const bool*>(row.At(object))) out_.EmptyElement(row.name);
      break;
    case RowKind::kGroup: {
      if (!(row.flags & kAlways) && IsNothing(row.group(), object, skipped_)) break;
      auto mark = out_.Open(row.name);
      WriteRows(row.group(), object);
      if (row.flags & kAlways) out_.Close(row.name);
      else out_.CloseUnlessEmpty(row.name, mark);
      break;
    }
    case RowKind::kChild:
      WriteContainer(row, row.At(object));
      break;
    case RowKind::kInclude:
      WriteRows(row.child->rows, row.At(object));
      break;
    case RowKind::kSize:
      if (auto size = LoadSize(row, row.At(object))) {
        out_.Open(row.name);
        out_.Attr("unit", row.size->unit);
        out_.CloseWithText(row.name, std::to_string(*size));
      }
      break;
    case RowKind::kSizeAttr:
      if (auto size = LoadSize(row, row.At(object))) {
        out_.Attr(row.name, std::to_string(*size));
        out_.Attr("unit", row.size->unit);
      }
      break;
    case RowKind::kCustom:
      row.custom->format(*this, object);
      break;
  }
}

void Formatter::WriteRows(RowSpan rows, const void* object) {
  const unsigned skipped = skipped_;
  for (const Row *at = rows.rows, *end = at + rows.count; at != end; ++at) {
    if (!(at->flags & skipped) && (!at->when || at->when(object))) WriteRow(*at, object);
  }
}

// --- validation ----------------------------------------------------------------------------------

namespace {

// One of the names of a custom row: "name" or "name(what may be in it)"; '@' marks attributes, '#' is text.
struct CustomName {
  std::string_view name;
  std::optional<std::string_view> inside;
};

// Takes the first name off the front; false when there is none left.
bool TakeName(std::string_view& names, CustomName& taken) {
  names.remove_prefix(std::min(names.find_first_not_of(' '), names.size()));
  if (names.empty()) return false;
  std::size_t end = std::min(names.find_first_of(" ("), names.size());
  taken = {names.substr(0, end), std::nullopt};
  names.remove_prefix(end);
  if (!names.starts_with('(')) return true;
  std::size_t at = 1;
  for (int depth = 1; depth > 0; ++at) depth += names[at] == '(' ? 1 : names[at] == ')' ? -1 : 0;
  taken.inside = names.substr(1, at - 2);
  names.remove_prefix(at);
  return true;
}

std::optional<CustomName> FindName(std::string_view names, std::string_view name, bool attribute) {
  for (CustomName one; TakeName(names, one);) {
    bool is_attribute = one.name.starts_with('@');
    if (is_attribute == attribute && one.name.substr(is_attribute) == name) return one;
  }
  return std::nullopt;
}

bool AllowsText(std::string_view names) {
  for (CustomName one; TakeName(names, one);) {
    if (one.name == "#") return true;
  }
  return false;
}

bool KnowsAttribute(RowSpan rows, std::string_view name) {
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Row& row = rows.rows[i];
    switch (row.kind) {
      case RowKind::kAttr:
      case RowKind::kSizeAttr:
        if (row.name == name || (row.kind == RowKind::kSizeAttr && name == "unit")) return true;
        break;
      case RowKind::kInclude:
        if (KnowsAttribute(row.child->rows, name)) return true;
        break;
      case RowKind::kCustom:
        if (FindName(row.name, name, true)) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

// Several rows may name one element (conditional ones do): each may know a part of it.
void CollectChildRows(RowSpan rows, std::string_view name, std::vector<const Row*>* found) {
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Row& row = rows.rows[i];
    if (row.kind == RowKind::kInclude) {
      CollectChildRows(row.child->rows, name, found);
    } else if (row.kind == RowKind::kCustom) {
      if (FindName(row.name, name, false)) found->push_back(&row);
    } else if (row.kind != RowKind::kAttr && row.kind != RowKind::kSizeAttr && row.kind != RowKind::kText && row.name == name) {
      found->push_back(&row);
    }
  }
}

bool IsSingle(const Row* row) {
  switch (row->kind) {
    case RowKind::kTextChild:
    case RowKind::kFlag:
    case RowKind::kGroup:
    case RowKind::kSize: return true;
    case RowKind::kChild: return !row->container->many;
    default: return false;
  }
}

bool HasText(RowSpan rows) {
  return std::any_of(rows.rows, rows.rows + rows.count, [](const Row& row) {
    return row.kind == RowKind::kText || (row.kind == RowKind::kInclude && HasText(row.child->rows));
  });
}

// What rows know of an element, and custom rows by their names.
struct Known {
  std::vector<RowSpan> rows;
  std::vector<std::string_view> names;

  bool Attribute(std::string_view name) const {
    return std::ranges::any_of(rows, [&](const RowSpan& span) { return KnowsAttribute(span, name); }) ||
           std::ranges::any_of(names, [&](std::string_view list) { return FindName(list, name, true).has_value(); });
  }
  bool Text() const { return std::ranges::any_of(rows, HasText) || std::ranges::any_of(names, AllowsText); }
};

void ValidateElement(const Known& known, const xml::Node& element) {
  for (auto* a = element.attributes; a; a = a->next) {
    if (a->prefix.empty() && !known.Attribute(a->name)) Invalid(element, "unexpected attribute '" + std::string(a->name) + "'");
  }
  for (const xml::Node* child = element.first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement || !child->ns.empty()) continue;
    Known inner;
    bool opaque = false, named = false;
    for (std::string_view list : known.names) {
      auto name = FindName(list, child->name, false);
      if (!name) continue;
      named = true;
      if (name->inside) inner.names.push_back(*name->inside);
      else opaque = true;
    }
    std::vector<const Row*> found;
    for (const RowSpan& rows : known.rows) CollectChildRows(rows, child->name, &found);
    if (found.empty() && !named) Invalid(*child, "unexpected element");
    if (!named && std::ranges::all_of(found, IsSingle) && child->Next(child->name)) Invalid(*child, "element may be there once");
    for (const Row* row : found) {
      if (row->kind == RowKind::kGroup) {
        inner.rows.push_back(row->group());
      } else if (row->kind == RowKind::kChild) {
        inner.rows.push_back(row->child->rows);
      } else if (row->kind == RowKind::kCustom) {
        auto name = FindName(row->name, child->name, false);
        if (name->inside) inner.names.push_back(*name->inside);
        else opaque = true;
      }
    }
    if (opaque) continue;
    if (inner.rows.empty() && inner.names.empty()) {
      if (child->first_child && child->first_child->kind == xml::Node::Kind::kElement) Invalid(*child->first_child, "unexpected element");
      continue;
    }
    if (child->text.find_first_not_of(" \t\r\n") != std::string_view::npos && !inner.Text()) Invalid(*child, "unexpected text");
    ValidateElement(inner, *child);
  }
}

}  // namespace

void Validate(const ErasedDescription& description, const xml::Node& element) { ValidateElement({{description.rows}, {}}, element); }

}  // namespace bv::model
