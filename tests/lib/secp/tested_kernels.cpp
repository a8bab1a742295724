#include "tests/lib/secp/tested_kernels.hpp"

#include <cstdio>
#include <string>

namespace claimgate::secp::test {

std::vector<const Kernel*> tested_kernels(const char* test) {
  std::vector<const Kernel*> out;
  for (const Kernel* const kernel : kernels()) {
    if (runs_here(*kernel)) {
      out.push_back(kernel);
    } else {
      static std::string said;
      const auto line = "NOT RUN: " + std::string(test) + " with kernel " +
                        std::string(word(*kernel)) + ": this CPU has no " + kernel->name + "\n";
      if (said.find(line) == std::string::npos) std::fputs(line.c_str(), stdout);
      said += line;
    }
  }
  out.push_back(&model_kernel);
  return out;
}

}  // namespace claimgate::secp::test
