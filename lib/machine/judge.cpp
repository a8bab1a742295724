#include "lib/machine/judge.hpp"

namespace claimgate::machine {

Findings judge(const Facts& facts, const Needs& needs) {
  Findings out;
  judge_cpu(facts, out);
  judge_cores(facts, needs, out);
  judge_memory(facts, needs, out);
  judge_numa(facts, needs, out);
  judge_port(facts, needs, out);
  judge_clock(facts, needs, out);
  judge_disk(facts, needs, out);
  judge_limits(facts, needs, out);
  return out;
}

}  // namespace claimgate::machine
