#include "model/domain/clock.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using Catchup = decltype(Timer::catchup);
constexpr RowOf<Catchup> kCatchupRows[] = {
    Attr<&Catchup::threshold>("threshold"),
    Attr<&Catchup::slew>("slew"),
    Attr<&Catchup::limit>("limit"),
};
constexpr Description<Catchup> kCatchup{kCatchupRows};
bool CatchesUp(const Timer& t) { return t.tick_policy == TickPolicy::kCatchup; }

constexpr RowOf<Timer> kTimerRows[] = {
    Attr<&Timer::name>("name").Required().Fails(Fault::kUnsupported),
    Attr<&Timer::present>("present"),
    Attr<&Timer::tick_policy>("tickpolicy").NonZero(),
    Attr<&Timer::track>("track").NonZero().Fails(Fault::kUnsupported),
    Attr<&Timer::frequency>("frequency"),
    Attr<&Timer::mode>("mode").NonZero().Fails(Fault::kUnsupported),
    Child<&Timer::catchup>("catchup", kCatchup).When<&CatchesUp>(),
};
void CheckTimer(Parser& p, Timer& t, const xml::Node&) {
  if (t.frequency && t.name != TimerName::kTsc) {
    p.Fail(Fault::kUnsupported, "timer " + std::string(ToString(t.name)) + " doesn't support setting of timer frequency");
  }
}
constexpr Description<Timer> kTimer = Describe<&CheckTimer>(kTimerRows);

using C = GuestClock;
void ReadAdjustment(Parser& p, C& c, const xml::Node& element) {
  auto text = element.Attr("adjustment");
  switch (c.offset) {
    case ClockOffset::kUtc:
    case ClockOffset::kLocaltime:
      if (!text) break;
      if (*text == "reset") {
        c.adjustment_reset = true;
      } else {
        c.adjustment = ParseNumber<std::int64_t>(*text);
        if (!c.adjustment) p.Fail(Fault::kDomainXml, "unknown clock adjustment '" + std::string(*text) + "'");
        // A distance from a fixed clock is a variable one.
        c.basis = c.offset == ClockOffset::kUtc ? ClockBasis::kUtc : ClockBasis::kLocaltime;
        c.offset = ClockOffset::kVariable;
      }
      break;
    case ClockOffset::kVariable:
      c.adjustment = text ? ParseNumber<std::int64_t>(*text) : 0;
      if (!c.adjustment) c.adjustment = 0;
      p.Value(element, "basis", c.basis, Fault::kUnsupported);
      if (p.status()) p.Value(element, "adjustment0", c.adjustment0);
      break;
    case ClockOffset::kTimezone:
      c.timezone = element.AttrOr("timezone");
      if (c.timezone.empty()) p.FailBeyondSchema(Fault::kInternal, "missing 'timezone' attribute for clock with offset='timezone'");
      break;
    case ClockOffset::kAbsolute: {
      if (!p.Value(element, "start", c.start, Fault::kInternal)) {
        p.Fail(Fault::kInternal, "missing 'start' attribute for clock with offset='absolute'");
      }
      break;
    }
  }
}
void WriteAdjustment(Formatter& f, const C& c) {
  if (c.adjustment_reset) {
    f.Attr("adjustment", "reset");
  } else if (c.adjustment && (c.offset == ClockOffset::kUtc || c.offset == ClockOffset::kLocaltime || c.offset == ClockOffset::kVariable)) {
    f.Attr("adjustment", std::to_string(*c.adjustment));
  }
  if (c.offset == ClockOffset::kVariable) {
    f.Attr("basis", ToString(c.basis));
    if (f.status() && c.adjustment0.value_or(0)) f.Attr("adjustment0", std::to_string(*c.adjustment0));
  }
  if (!c.timezone.empty()) f.Attr("timezone", c.timezone);
  if (c.offset == ClockOffset::kAbsolute) f.Attr("start", c.start);
}

constexpr RowOf<C> kRows[] = {
    Attr<&C::offset>("offset").Fails(Fault::kUnsupported),
    Custom<&ReadAdjustment, &WriteAdjustment>("@adjustment @adjustment0 @basis @timezone @start"),
    Child<&C::timers>("timer", kTimer),
};

}  // namespace

constinit const Description<GuestClock> kClock{kRows};

}  // namespace bv::model
