// Logarithm and exponential function with the same bits on every machine, for what follows from a
// seed: C libraries differ in their last bits, and pick other code on other CPUs.
//
// Sums, products and quotients of IEEE 754 doubles only, which are exact to the rounding; the build
// file forbids the compiler to fuse them (-ffp-contract=off). Relative errors stay below 1e-15.
// Pure functions: any thread.
#pragma once

namespace claimgate::claimgen {

// Precondition: x positive, finite.
[[nodiscard]] double natural_log(double x) noexcept;
// e^x. Precondition: |x| < 700.
[[nodiscard]] double exponential(double x) noexcept;

}  // namespace claimgate::claimgen
