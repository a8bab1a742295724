// The doctor's rules: facts of a machine against what claimd needs, each as one Finding with its
// remedy. Pure functions; any thread.
#pragma once

#include <vector>

#include "lib/machine/facts.hpp"
#include "lib/machine/finding.hpp"
#include "lib/machine/needs.hpp"

namespace claimgate::machine {

using Findings = std::vector<Finding>;

void judge_cpu(const Facts& facts, Findings& out);
void judge_cores(const Facts& facts, const Needs& needs, Findings& out);
void judge_memory(const Facts& facts, const Needs& needs, Findings& out);
void judge_numa(const Facts& facts, const Needs& needs, Findings& out);
void judge_port(const Facts& facts, const Needs& needs, Findings& out);
void judge_clock(const Facts& facts, const Needs& needs, Findings& out);
void judge_disk(const Facts& facts, const Needs& needs, Findings& out);
void judge_limits(const Facts& facts, const Needs& needs, Findings& out);

// All of them, in this order.
[[nodiscard]] Findings judge(const Facts& facts, const Needs& needs);

}  // namespace claimgate::machine
