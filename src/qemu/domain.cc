#include "qemu/domain.h"

#include "base/error.h"
#include "qemu/agent.h"
#include "qemu/guest.h"
#include "qemu/migratable.h"
#include "qemu/migration/state.h"
#include "qemu/moments.h"

namespace bv::qemu {

Domain::Domain(std::string name, Uuid uuid) : name_(std::move(name)), uuid_(uuid) {}
Domain::~Domain() = default;

const model::DomainDef& Domain::def() const {
  auto& def = live_ ? live_ : config_;
  if (!def) throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "domain '" + name_ + "' has no definition");
  return *def;
}

const model::DomainDef* Domain::config() const { return config_.get(); }

model::DomainDef& Domain::MutableDef() {
  DefChanged();
  return const_cast<model::DomainDef&>(def());
}

model::DomainDef* Domain::MutableConfig() {
  DefChanged();
  return config_.get();
}

void Domain::SetConfig(std::unique_ptr<model::DomainDef> config) {
  config_ = std::move(config);
  unparsed_.clear();
  DefChanged();
}

std::unique_ptr<model::DomainDef> Domain::TakeConfig() {
  DefChanged();
  return std::move(config_);
}

void Domain::SetLive(std::unique_ptr<model::DomainDef> live, int id) {
  live_ = std::move(live);
  live_->id = id;
  id_ = id;
  DefChanged();
}

std::unique_ptr<model::DomainDef> Domain::ClearLive() {
  id_ = -1;
  DefChanged();
  return std::move(live_);
}

const std::string& Domain::Xml(unsigned format_flags) {
  constexpr unsigned kKinds = model::kFormatInactive | model::kFormatSecure | model::kFormatMigratable;
  auto& cached = xml_[format_flags & kKinds];
  if (cached.empty()) {
    bool inactive = (format_flags & model::kFormatInactive) && config_;
    auto& shown = inactive ? *config_ : def();
    cached = format_flags & model::kFormatMigratable ? inactive ? MigratableXml(shown) : MigratableXml(*this) : model::FormatDomain(shown, format_flags);
  }
  return cached;
}

}  // namespace bv::qemu
