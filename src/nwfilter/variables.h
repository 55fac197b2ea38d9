#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/nwfilter/filter.h"

namespace bv::nwfilter {

// The values of an interface's variables; most have one, lists several.
using Variables = std::map<std::string, std::vector<std::string>>;

Variables ToVariables(const std::vector<model::FilterParameter>& parameters);

// `outer` and what `inner` adds to it: what an interface says goes before what filters say.
Variables Merge(const Variables& outer, const std::vector<model::FilterParameter>& inner);

// What a rule's variables stand for in one of its instances, by the variable as it is written.
using Values = std::map<std::string, std::string>;

// Calls `f` for every instance of the rule: one where it has no variables, else one for each combination of
// different values: those of variables without a number for their iterator change fastest, then the first
// variable's. Throws kInternalError (domain kNwfilter) where
// lists that are gone through side by side differ in length. All variables must be there (Missing()).
void ForEachInstance(const model::FilterRule& rule, const Variables& variables, const std::function<void(const Values&)>& f);

// Adds the variables (and elements of lists) of the rule that are not there.
void FindMissing(const model::FilterRule& rule, const Variables& variables, std::set<std::string>* missing);

}  // namespace bv::nwfilter
