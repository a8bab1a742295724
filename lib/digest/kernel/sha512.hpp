// SHA-512Half of 44-byte messages, one in each lane (FIPS 180-4, 6.4).
//
// A message and its padding are one block, of which ten words are the same in every message:
//
//   W0 .. W4   the message     W5   its last 4 bytes, 0x80, 0 0 0     W6 .. W14   0     W15   352
//
// What these words bring into the first rounds and the schedule is worked out beforehand or left
// away, and so is the first round but for W0.
//
// A CPU takes in operations in their order and looks only some 60 ahead for what is ready: shifts
// must not stand together, as only half of the ports have them. So the order of operations below
// is that of the program (meson.build keeps the compiler from changing it), and measured.
//
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
// A lane type L has: V, lanes, constant_lanes, numbers, constant, load, store, add, choose,
// majority, sum0, sum1 (FIPS: capital sigmas), sigma0, sigma1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/digest/kernel.hpp"
#include "lib/digest/kernel/numbers.hpp"

namespace claimgate::digest {

template <class L>
class Sha512 {
 public:
  using V = typename L::V;

  // L::lanes jobs.
  [[gnu::noinline]] static void digest(const Job* jobs) noexcept {
    const Numbers<L::constant_lanes>& numbers = L::numbers();
    V w[80];
    L::load(w, jobs);
    State s = after_first_round(w[0], numbers);
    w[16] = L::add(w[0], L::sigma0(w[1]));
    first_rounds<1>(s, w, numbers);
#pragma GCC unroll 1
    for (unsigned t = 16; t < 64; t += 8) rounds<true>(s, w + t, numbers.k[t]);
#pragma GCC unroll 1
    for (unsigned t = 64; t < 80; t += 8) rounds<false>(s, w + t, numbers.k[t]);
    L::store(L::add(s.a, L::constant(numbers.a)), L::add(s.b, L::constant(numbers.b)),
             L::add(s.c, L::constant(numbers.c)), L::add(s.d, L::constant(numbers.d)), jobs);
  }

 private:
  struct State {
    V a, b, c, d, e, f, g, h;
    V b_xor_c;  // for lanes whose majority needs it
  };

  [[gnu::always_inline]] static inline State after_first_round(
      V w0, const Numbers<L::constant_lanes>& n) noexcept {
    return {.a = L::add(w0, L::constant(n.first_a)),
            .b = L::constant(n.a),
            .c = L::constant(n.b),
            .d = L::constant(n.c),
            .e = L::add(w0, L::constant(n.first_e)),
            .f = L::constant(n.e),
            .g = L::constant(n.f),
            .h = L::constant(n.g),
            .b_xor_c = L::constant(n.a_xor_b)};
  }

  // Rounds 1 to 15, and with each the word that comes 16 later.
  template <unsigned t>
  [[gnu::always_inline]] static inline void first_rounds(
      State& s, V* w, const Numbers<L::constant_lanes>& n) noexcept {
    const V k = L::constant(n.k[t]);
    if constexpr (t < 6) {
      round(s, L::add(k, w[t]));
    } else {
      round(s, k);
    }
    w[t + 16] = later_word<t>(w, n);
    if constexpr (t < 15) first_rounds<t + 1>(s, w, n);
  }

  // W[t + 16] = W[t] + sigma0(W[t + 1]) + W[t + 9] + sigma1(W[t + 14]), without what is 0.
  template <unsigned t>
  [[gnu::always_inline]] static inline V later_word(const V* w,
                                                    const Numbers<L::constant_lanes>& n) noexcept {
    if constexpr (t == 1) {
      return L::add(L::add(w[1], L::sigma0(w[2])), L::constant(n.sigma1_of_length));
    } else if constexpr (t < 5) {
      return L::add(L::add(w[t], L::sigma0(w[t + 1])), L::sigma1(w[t + 14]));
    } else if constexpr (t == 5) {
      return L::add(w[5], L::sigma1(w[19]));
    } else if constexpr (t == 6) {
      return L::add(L::sigma1(w[20]), L::constant(n.length));
    } else if constexpr (t < 14) {
      return L::add(w[t + 9], L::sigma1(w[t + 14]));
    } else if constexpr (t == 14) {
      return L::add(L::add(w[23], L::sigma1(w[28])), L::constant(n.sigma0_of_length));
    } else {
      const V sum = L::add(L::add(w[24], L::sigma0(w[16])), L::constant(n.length));
      return L::add(sum, L::sigma1(w[29]));
    }
  }

  // Eight rounds from the one on whose word and number `w` and `k` are.
  template <bool schedule>
  [[gnu::always_inline]] static inline void rounds(
      State& s, V* w, const std::uint64_t (&k)[L::constant_lanes]) noexcept {
    const std::uint64_t(*const each)[L::constant_lanes] = &k;
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) {
      if constexpr (schedule) {
        round_with_schedule(s, w + i, L::constant(each[i]));
      } else {
        round(s, L::add(w[i], L::constant(each[i])));
      }
    }
  }

  [[gnu::always_inline]] static inline void round(State& s, V k_plus_w) noexcept {
    const V sum1 = L::sum1(s.e);
    const V known = L::add(L::add(s.h, k_plus_w), L::choose(s.e, s.f, s.g));
    const V t1 = L::add(known, sum1);
    const V e = L::add(s.d, t1);
    const V sum0 = L::sum0(s.a);
    const V t2 = L::add(sum0, L::majority(s.a, s.b, s.c, s.b_xor_c));
    turn(s, L::add(t1, t2), e);
  }

  [[gnu::always_inline]] static inline void round_with_schedule(State& s, V* w, V k) noexcept {
    const V sum1 = L::sum1(s.e);
    const V known = L::add(L::add(s.h, L::add(w[0], k)), L::choose(s.e, s.f, s.g));
    const V sigma0 = L::sigma0(w[1]);
    const V words = L::add(w[0], w[9]);
    const V t1 = L::add(known, sum1);
    const V e = L::add(s.d, t1);
    const V later = L::add(words, sigma0);
    const V sum0 = L::sum0(s.a);
    const V t2 = L::add(sum0, L::majority(s.a, s.b, s.c, s.b_xor_c));
    const V a = L::add(t1, t2);
    w[16] = L::add(later, L::sigma1(w[14]));
    turn(s, a, e);
  }

  [[gnu::always_inline]] static inline void turn(State& s, V a, V e) noexcept {
    s.h = s.g;
    s.g = s.f;
    s.f = s.e;
    s.e = e;
    s.d = s.c;
    s.c = s.b;
    s.b = s.a;
    s.a = a;
  }
};

}  // namespace claimgate::digest
