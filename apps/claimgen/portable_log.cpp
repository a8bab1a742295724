#include "apps/claimgen/portable_log.hpp"

#include <cassert>
#include <cmath>

namespace claimgate::claimgen {

// ln x = e ln 2 + ln m for x = m 2^e, sqrt(1/2) <= m < sqrt(2), and with s = (m - 1)/(m + 1)
// ln m = 2 artanh s: s² < 0.0295, so that twelve terms of its series leave less than 1e-19.
double natural_log(double x) noexcept {
  constexpr double ln2 = 0x1.62e42fefa39efp-1, sqrt_half = 0x1.6a09e667f3bcdp-1;
  assert(x > 0 && std::isfinite(x));
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < sqrt_half) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int odd = 23; odd >= 1; odd -= 2) sum = sum * square + 1.0 / odd;
  return exponent * ln2 + 2 * s * sum;
}

// e^x = 2^n e^r with |r| <= ln(2)/2, of whose series 18 terms leave less than 1e-24.
double exponential(double x) noexcept {
  // ln 2 in two parts: n times the upper one is exact, as it ends in zeros.
  constexpr double ln2_upper = 0x1.62e42fee00000p-1, ln2_lower = 0x1.a39ef35793c76p-33;
  assert(std::abs(x) < 700);
  const int n = static_cast<int>(x / (ln2_upper + ln2_lower) + (x < 0 ? -0.5 : 0.5));
  const double r = (x - n * ln2_upper) - n * ln2_lower;
  double sum = 1;
  for (int i = 18; i >= 1; --i) sum = sum * r / i + 1;
  return std::ldexp(sum, n);
}

}  // namespace claimgate::claimgen
