// Arithmetic modulo p = 2^256 - 2^32 - 977 on four words of 64 bits: for lanes that multiply whole
// words. Any number below 2^256 stands for its residue, so no operand is ever out of bounds, and
// every result is again such a number: what passes 2^256 comes back times fold = 2^256 mod p, and
// what falls below 0 goes on from 2^256 less that.
//
// Carries go from word to word in the processor's flag, which C++ cannot say and g++ 12 does not
// find; hence the assembler, of x86-64's oldest instructions. `&` in its outputs keeps an input of
// equal value out of a register that is written before that input is read.
#pragma once

#include <cstdint>

namespace claimgate::secp {

template <class L>
struct Words {
  using U = std::uint64_t;
  __extension__ using Wide = unsigned __int128;
  static constexpr U fold = 0x1000003D1;

#define CG_WORDS [[gnu::always_inline]] static inline
  CG_WORDS void add(U (&out)[4], const U (&a)[4], const U (&b)[4]) noexcept {
    U n0 = a[0], n1 = a[1], n2 = a[2], n3 = a[3], over;
    asm("addq %[b0],%[n0]\n\tadcq %[b1],%[n1]\n\tadcq %[b2],%[n2]\n\tadcq %[b3],%[n3]\n\t"
        "sbbq %[over],%[over]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [over] "=&r"(over)
        : [b0] "rm"(b[0]), [b1] "rm"(b[1]), [b2] "rm"(b[2]), [b3] "rm"(b[3])
        : "cc");
    over &= fold;
    asm("addq %[over],%[n0]\n\tadcq $0,%[n1]\n\tadcq $0,%[n2]\n\tadcq $0,%[n3]\n\t"
        "sbbq %[over],%[over]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [over] "+&r"(over)
        :
        : "cc");
    // Once more only where less than `fold` is left.
    set(out, n0 + (over & fold), n1, n2, n3);
  }

  CG_WORDS void sub(U (&out)[4], const U (&a)[4], const U (&b)[4]) noexcept {
    U n0 = a[0], n1 = a[1], n2 = a[2], n3 = a[3], under;
    asm("subq %[b0],%[n0]\n\tsbbq %[b1],%[n1]\n\tsbbq %[b2],%[n2]\n\tsbbq %[b3],%[n3]\n\t"
        "sbbq %[under],%[under]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [under] "=&r"(under)
        : [b0] "rm"(b[0]), [b1] "rm"(b[1]), [b2] "rm"(b[2]), [b3] "rm"(b[3])
        : "cc");
    take(out, n0, n1, n2, n3, under & fold);
  }

  // -a where `mask` is all ones, a where it is 0: -a = ~a + 1 - 2^256 = ~a + 1 - fold (mod p).
  CG_WORDS void negate_where(U (&out)[4], U mask, const U (&a)[4]) noexcept {
    take(out, a[0] ^ mask, a[1] ^ mask, a[2] ^ mask, a[3] ^ mask, mask & (fold - 1));
  }

  CG_WORDS void mul(U (&out)[4], const U (&a)[4], const U (&b)[4]) noexcept {
    U t[8];
    Column c;
    c.add(a[0], b[0]);
    t[0] = c.next();
    c.add(a[0], b[1]);
    c.add(a[1], b[0]);
    t[1] = c.next();
    c.add(a[0], b[2]);
    c.add(a[1], b[1]);
    c.add(a[2], b[0]);
    t[2] = c.next();
    c.add(a[0], b[3]);
    c.add(a[1], b[2]);
    c.add(a[2], b[1]);
    c.add(a[3], b[0]);
    t[3] = c.next();
    c.add(a[1], b[3]);
    c.add(a[2], b[2]);
    c.add(a[3], b[1]);
    t[4] = c.next();
    c.add(a[2], b[3]);
    c.add(a[3], b[2]);
    t[5] = c.next();
    c.add(a[3], b[3]);
    t[6] = c.next();
    t[7] = c.next();
    reduce(out, t);
  }

  CG_WORDS void sqr(U (&out)[4], const U (&a)[4]) noexcept {
    U t[8];
    Column c;
    c.add(a[0], a[0]);
    t[0] = c.next();
    c.add_twice(a[0], a[1]);
    t[1] = c.next();
    c.add_twice(a[0], a[2]);
    c.add(a[1], a[1]);
    t[2] = c.next();
    c.add_twice(a[0], a[3]);
    c.add_twice(a[1], a[2]);
    t[3] = c.next();
    c.add_twice(a[1], a[3]);
    c.add(a[2], a[2]);
    t[4] = c.next();
    c.add_twice(a[2], a[3]);
    t[5] = c.next();
    c.add(a[3], a[3]);
    t[6] = c.next();
    t[7] = c.next();
    reduce(out, t);
  }

  // A multiple of p: 0 or p, as 2p is above 2^256.
  CG_WORDS bool is_zero(const U (&a)[4]) noexcept {
    return (a[0] | a[1] | a[2] | a[3]) == 0 || ((a[1] & a[2] & a[3]) == ~U{0} && a[0] == 0 - fold);
  }

  // The same below p.
  CG_WORDS void canonical(U (&out)[4], const U (&a)[4]) noexcept {
    const bool over = (a[1] & a[2] & a[3]) == ~U{0} && a[0] >= 0 - fold;
    set(out, over ? a[0] + fold : a[0], over ? 0 : a[1], over ? 0 : a[2], over ? 0 : a[3]);
  }

 private:
  CG_WORDS void set(U (&out)[4], U n0, U n1, U n2, U n3) noexcept {
    out[0] = n0;
    out[1] = n1;
    out[2] = n2;
    out[3] = n3;
  }
  // n - less, less <= fold.
  CG_WORDS void take(U (&out)[4], U n0, U n1, U n2, U n3, U less) noexcept {
    asm("subq %[less],%[n0]\n\tsbbq $0,%[n1]\n\tsbbq $0,%[n2]\n\tsbbq $0,%[n3]\n\t"
        "sbbq %[less],%[less]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [less] "+&r"(less)
        :
        : "cc");
    // Once more only where it is now within `fold` of 2^256, and the lowest word with it.
    set(out, n0 - (less & fold), n1, n2, n3);
  }

  // The products of one weight and what the weight before has left over: below 2^192, since there
  // are four at most, each counted twice at most.
  struct Column {
    U low = 0, middle = 0, high = 0;
    [[gnu::always_inline]] void add(U a, U b) noexcept {
      U above;
      asm("mulq %[b]\n\taddq %%rax,%[low]\n\tadcq %%rdx,%[middle]\n\tadcq $0,%[high]"
          : [low] "+&r"(low), [middle] "+&r"(middle), [high] "+&r"(high), "+&a"(a), "=&d"(above)
          : [b] "rm"(b)
          : "cc");
    }
    [[gnu::always_inline]] void add_twice(U a, U b) noexcept {
      U above;
      asm("mulq %[b]\n\taddq %%rax,%[low]\n\tadcq %%rdx,%[middle]\n\tadcq $0,%[high]\n\t"
          "addq %%rax,%[low]\n\tadcq %%rdx,%[middle]\n\tadcq $0,%[high]"
          : [low] "+&r"(low), [middle] "+&r"(middle), [high] "+&r"(high), "+&a"(a), "=&d"(above)
          : [b] "rm"(b)
          : "cc");
    }
    [[gnu::always_inline]] U next() noexcept {
      const U out = low;
      low = middle;
      middle = high;
      high = 0;
      return out;
    }
  };

  // t[0..3] + t[4..7]·fold, and what of that is above 2^256 once more.
  CG_WORDS void reduce(U (&out)[4], const U (&t)[8]) noexcept {
    const Wide p0 = Wide{t[4]} * fold, p1 = Wide{t[5]} * fold, p2 = Wide{t[6]} * fold,
               p3 = Wide{t[7]} * fold;
    U n0 = static_cast<U>(p0), n1 = static_cast<U>(p1), n2 = static_cast<U>(p2),
      n3 = static_cast<U>(p3), n4 = static_cast<U>(p3 >> 64);
    asm("addq %[h0],%[n1]\n\tadcq %[h1],%[n2]\n\tadcq %[h2],%[n3]\n\tadcq $0,%[n4]"
        : [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [n4] "+&r"(n4)
        : [h0] "r"(static_cast<U>(p0 >> 64)), [h1] "r"(static_cast<U>(p1 >> 64)),
          [h2] "r"(static_cast<U>(p2 >> 64))
        : "cc");
    asm("addq %[t0],%[n0]\n\tadcq %[t1],%[n1]\n\tadcq %[t2],%[n2]\n\tadcq %[t3],%[n3]\n\t"
        "adcq $0,%[n4]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [n4] "+&r"(n4)
        : [t0] "rm"(t[0]), [t1] "rm"(t[1]), [t2] "rm"(t[2]), [t3] "rm"(t[3])
        : "cc");
    // n4 <= fold.
    const Wide rest = Wide{n4} * fold;
    U over;
    asm("addq %[r0],%[n0]\n\tadcq %[r1],%[n1]\n\tadcq $0,%[n2]\n\tadcq $0,%[n3]\n\t"
        "sbbq %[over],%[over]"
        : [n0] "+&r"(n0), [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3), [over] "=&r"(over)
        : [r0] "r"(static_cast<U>(rest)), [r1] "r"(static_cast<U>(rest >> 64))
        : "cc");
    // Once more only where less than `rest` is left, so the carry ends in the second word.
    const Wide low = (Wide{n1} << 64 | n0) + (over & fold);
    set(out, static_cast<U>(low), static_cast<U>(low >> 64), n2, n3);
  }
#undef CG_WORDS
};

}  // namespace claimgate::secp
