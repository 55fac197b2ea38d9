#include "model/domain/launch_security.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using L = LaunchSecurity;
bool IsSev(const L& l) { return l.type == LaunchSecurityType::kSev; }

// The schema has a handle, which nothing is made of.
void Ignore(Parser&, L&, const xml::Node&) {}
void WriteNothing(Formatter&, const L&) {}

constexpr RowOf<L> kRows[] = {
    Attr<&L::type>("type").Required().NonZero(),
    Attr<&L::kernel_hashes>("kernelHashes").When<&IsSev>(),
    TextChild<&L::cbitpos>("cbitpos").When<&IsSev>().Fails(Fault::kDomainXml),
    TextChild<&L::reduced_phys_bits>("reducedPhysBits").When<&IsSev>().Fails(Fault::kDomainXml),
    TextChild<&L::policy>("policy").Required().Hex(4).Always().When<&IsSev>().Fails(Fault::kDomainXml),
    TextChild<&L::dh_cert>("dhCert").When<&IsSev>(),
    TextChild<&L::session>("session").When<&IsSev>(),
    Custom<&Ignore, &WriteNothing>("handle(#)"),
};

void ReadCiphers(Parser& p, Keywrap& k, const xml::Node& element) {
  for (const xml::Node* node = element.Child("cipher"); node; node = node->Next("cipher")) {
    std::string_view name = node->AttrOr("name");
    OnOff* state = name == "aes" ? &k.aes : name == "dea" ? &k.dea : nullptr;
    if (!node->Attr("name")) p.MissingAttribute(*node, "name");
    if (!state) p.BadAttribute(*node, "name", name);
    if (*state != OnOff::kAbsent) p.FailBeyondSchema(Fault::kInternal, "A domain definition can have no more than one cipher node with name " + std::string(name));
    p.Value(*node, "state", *state, Fault::kXml, kRequired);
  }
}
void WriteCiphers(Formatter& f, const Keywrap& k) {
  auto write = [&](const char* name, OnOff state) {
    if (state == OnOff::kAbsent) return;
    f.out().Open("cipher");
    f.Attr("name", name);
    f.Attr("state", ToString(state));
    f.out().Close("cipher");
  };
  write("aes", k.aes);
  write("dea", k.dea);
}
constexpr RowOf<Keywrap> kKeywrapRows[] = {Custom<&ReadCiphers, &WriteCiphers>("cipher(@name @state)")};

}  // namespace

constinit const Description<LaunchSecurity> kLaunchSecurity{kRows};
constinit const Description<Keywrap> kKeywrap{kKeywrapRows};

}  // namespace bv::model
