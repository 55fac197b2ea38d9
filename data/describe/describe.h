#pragma once

#include <string>

#include "daemon/personality.h"

// What the build writes from the personality table and its rows.
namespace bv {

// Manual page in roff.
std::string ManPage(const Personality& personality);

// A unit from its template: @NAME@ and its like are replaced, @EACH VALUES@ lines are repeated.
// `paths` are the installation's directories.
struct UnitPaths {
  std::string sbindir, sysconfdir, runstatedir;
};
std::string Unit(const Personality& personality, const std::string& text, const UnitPaths& paths);

// The executable under its own name.
std::string BusyvirtManPage();
// The same for libvirt-guests, which is no daemon.
std::string GuestsManPage();
std::string GuestsUnit(const std::string& text, const UnitPaths& paths);

// Text as roff takes it: a dash is a minus, a leading dot or quote is no request.
std::string Roff(std::string_view text);

// The actions that polkit decides about for access control, as a policy file.
std::string ApiPolicy();

}  // namespace bv
