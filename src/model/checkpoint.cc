#include "model/checkpoint.h"

#include "model/describe/engine.h"
#include "model/moment_schema.h"

namespace bv::model {

namespace {

constexpr auto kDomain = ErrorDomain::kDomainCheckpoint;

void ReadSize(Parser&, CheckpointDisk&, const xml::Node&) {}  // what a client says there is of no use
void WriteSize(Formatter& f, const CheckpointDisk& d) {
  if (d.size) f.Attr("size", std::to_string(*d.size));
}
constexpr RowOf<CheckpointDisk> kCheckpointDiskRows[] = {
    Attr<&CheckpointDisk::name>("name").Required().Fails(Fault::kInternal).With(kAlways),
    Attr<&CheckpointDisk::type>("checkpoint").NonZero(),
    Attr<&CheckpointDisk::bitmap>("bitmap"),
    Custom<&ReadSize, &WriteSize>("@size"),
};
constexpr Description<CheckpointDisk> kCheckpointDisk{kCheckpointDiskRows};
constexpr RowOf<Checkpoint> kCheckpointDisksRows[] = {Child<&Checkpoint::disks>("disk", kCheckpointDisk)};
constexpr RowOf<Checkpoint> kCheckpointRows[] = {Group("disks", kCheckpointDisksRows)};
constexpr Description<Checkpoint> kCheckpointParts{kCheckpointRows};

}  // namespace

Checkpoint ParseCheckpoint(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, kDomain, "domain_checkpoint", "domaincheckpoint");
  const xml::Node& root = document.root();
  if (flags & kMomentValidate) CheckCheckpointSchema(root);
  Parser p(kDomain, 0);
  Checkpoint c;
  ReadMomentName(c, root, flags, kDomain, "checkpoint");
  if (flags & kMomentRedefine) {
    ReadMomentPast(c, root, kDomain, "checkpoint");
    ReadMomentDomain(c, root, flags);
  }
  p.Read(kCheckpointParts, c, root);
  return c;
}

std::string FormatCheckpoint(const Checkpoint& c, CheckpointFormat format) {
  xml::Writer out;
  out.Open("domaincheckpoint");
  out.TextElement("name", c.name);
  if (!c.description.empty()) out.TextElement("description", c.description);
  WriteMomentParent(out, c);
  WriteMomentTime(out, c);
  Formatter(out, kFormatInactive).WriteInto(kCheckpointParts, c);
  if (c.domain && format.domain) FormatDomain(*c.domain, kFormatInactive | (format.secure ? unsigned{kFormatSecure} : 0u), out);
  out.Close("domaincheckpoint");
  return out.Take();
}

}  // namespace bv::model
