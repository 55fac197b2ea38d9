#include "nwfilter/variables.h"

#include <algorithm>

#include "base/error.h"

namespace bv::nwfilter {

using model::FilterMatch;
using model::FilterRule;
using model::FilterVariable;

namespace {

// Variables whose values are gone through side by side.
struct Iterator {
  unsigned id = 0;
  bool element = false;  // of one variable, with one value
  std::vector<const FilterVariable*> variables;
  std::vector<std::vector<std::string>> steps;  // the values of `variables`, without repetitions
};

std::vector<Iterator> IteratorsOf(const FilterRule& rule) {
  std::vector<Iterator> iterators;
  // Where it is used, the iterator without a number goes before all others.
  if (std::ranges::any_of(rule.matches, [](auto& m) { return m.variable && !m.variable->element && m.variable->iterator == 0; })) {
    iterators.emplace_back();
  }
  for (const FilterMatch& match : rule.matches) {
    if (!match.variable) continue;
    const FilterVariable& variable = *match.variable;
    auto same = std::ranges::find_if(iterators, [&](auto& i) { return !variable.element && !i.element && i.id == variable.iterator; });
    if (same == iterators.end()) same = iterators.insert(same, {variable.iterator, variable.element.has_value(), {}, {}});
    if (std::ranges::none_of(same->variables, [&](auto* v) { return *v == variable; })) same->variables.push_back(&variable);
  }
  return iterators;
}

void Fill(Iterator* iterator, const Variables& variables) {
  std::size_t count = variables.at(iterator->variables.front()->name).size();
  for (const FilterVariable* variable : iterator->variables) {
    if (variables.at(variable->name).size() != count) {
      throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError, "lists that are gone through in parallel must have as many items each");
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (iterator->element && i != *iterator->variables.front()->element) continue;
    std::vector<std::string> step;
    for (const FilterVariable* variable : iterator->variables) step.push_back(variables.at(variable->name)[i]);
    if (std::ranges::find(iterator->steps, step) == iterator->steps.end()) iterator->steps.push_back(std::move(step));
  }
}

}  // namespace

Variables ToVariables(const std::vector<model::FilterParameter>& parameters) {
  Variables variables;
  for (auto& parameter : parameters) variables[parameter.name].push_back(parameter.value);
  return variables;
}

Variables Merge(const Variables& outer, const std::vector<model::FilterParameter>& inner) {
  Variables merged = outer;
  for (auto& [name, values] : ToVariables(inner)) merged.try_emplace(name, values);
  return merged;
}

void ForEachInstance(const FilterRule& rule, const Variables& variables, const std::function<void(const Values&)>& f) {
  std::vector<Iterator> iterators = IteratorsOf(rule);
  for (Iterator& iterator : iterators) Fill(&iterator, variables);
  std::vector<std::size_t> at(iterators.size(), 0);
  for (;;) {
    Values values;
    for (std::size_t i = 0; i < iterators.size(); ++i) {
      for (std::size_t v = 0; v < iterators[i].variables.size(); ++v) {
        values[iterators[i].variables[v]->ToString()] = iterators[i].steps[at[i]][v];
      }
    }
    f(values);
    std::size_t i = 0;
    while (i < iterators.size() && ++at[i] == iterators[i].steps.size()) at[i++] = 0;
    if (i == iterators.size()) return;
  }
}

void FindMissing(const FilterRule& rule, const Variables& variables, std::set<std::string>* missing) {
  for (const FilterMatch& match : rule.matches) {
    if (!match.variable) continue;
    auto found = variables.find(match.variable->name);
    if (found == variables.end() || (match.variable->element && *match.variable->element >= found->second.size())) {
      missing->insert(match.variable->ToString());
    }
  }
}

}  // namespace bv::nwfilter
