#include "tests/lib/secp/crafted.hpp"

#include <stdexcept>

#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"

namespace claimgate::secp::test {
namespace {

using Numbers = Scalars<12>;

Number signed_number(const Numbers::Half& half) {
  const Number out = of_words(half.w);
  return (half.w[2] >> 63) != 0 ? Number(out - power_of_two(192)) : out;
}

struct Halves {
  Numbers::Half first, second;
  [[nodiscard]] Number a() const { return signed_number(first); }
  [[nodiscard]] Number b() const { return signed_number(second); }
};
Halves split(const Number& k) {
  const auto words = words_of<4>(k);
  Halves out;
  Numbers::split(out.first, out.second, words.data());
  return out;
}

template <unsigned width, unsigned windows>
std::array<Number, windows> digits(const Numbers::Half& k) {
  ScalarEach<12>::Half half;
  Numbers::offset<width * windows>(half.n, k);
  std::array<Number, windows> out;
  for_each_digit<windows>([&]<unsigned i>() {
    std::uint64_t minus;
    out[i] = 2 * digit<Portable<12>, width, i>(half, minus) + 1;
    if (minus != 0) out[i] = -out[i];
  });
  return out;
}

bool meets(const Number& a, const Number& b) {
  return modulo(a - b, order_n) == 0 || modulo(a + b, order_n) == 0;
}

// Whether Cold's run down u2's digits has an exceptional addition (cold.hpp's order; multiples of
// the key are numbers here).
bool cold_meets(const Number& u2) {
  const Halves halves = split(u2);
  const auto a = digits<4, 33>(halves.first), b = digits<4, 33>(halves.second);
  Number sum = a[32];
  for (unsigned w = 33; w-- > 0;) {
    if (w < 32) {
      sum *= 16;
      if (modulo(sum, order_n) == 0 || meets(sum, a[w])) return true;
      sum += a[w];
    }
    const Number second = b[w] * lambda;
    if (modulo(sum, order_n) == 0 || meets(sum, second)) return true;
    sum += second;
  }
  return false;
}

// The generator's terms in the order in which Cold adds them.
std::vector<Number> generator_terms(const Number& u1) {
  const Halves halves = split(u1);
  std::vector<Number> out;
  const Numbers::Half* const half[] = {&halves.first, &halves.second};
  for (unsigned h = 0; h < 2; ++h) {
    const auto all = digits<generator_width, generator_windows>(*half[h]);
    for (unsigned i = 0; i < generator_windows; ++i) {
      out.push_back(all[i] * power_of_two(generator_width * i) * (h == 0 ? Number(1) : lambda));
    }
  }
  return out;
}

}  // namespace

Crafted::Crafted() {
  for (unsigned i = 0; i < 40; ++i) {
    const Key& of = key_of(signer_.random().scalar());
    neighbours_.push_back(signer_.sign(of));
    neighbours_.back().what = "a good neighbour";
  }
  neighbours_[5].digest[7] ^= 1;
  neighbours_[5].what = "a spoiled neighbour";
  neighbours_[5].judged();
  second_candidates();
  edges_of_digest_and_s();
  infinity_and_doubling();
  halves_that_meet();
  accumulators_that_meet();
  small_scalars();
}

const Key& Crafted::key(const secp256k1_pubkey& point, const Number& secret) {
  return keys_.emplace_back(point, secret);
}
const Key& Crafted::key_of(const Number& secret) {
  return key(generator_times(modulo(secret, order_n)), modulo(secret, order_n));
}

void Crafted::add(const char* what, unsigned exceptional, Case made) {
  if (!in_range(made)) throw std::logic_error(std::string("out of range: ") + what);
  made.what = what;
  made.exceptional = exceptional;
  cases_.push_back(made);
}

template <class Make>
void Crafted::add_low(const char* what, unsigned exceptional, Make make) {
  for (unsigned tries = 0; tries < 64; ++tries) {
    const std::optional<Case> made = make();
    if (!made) continue;
    if (!made->good) throw std::logic_error(std::string("not a signature: ") + what);
    add(what, exceptional, *made);
    return;
  }
  throw std::logic_error(std::string("never a low s: ") + what);
}

void Crafted::add_for_point(const char* what, const secp256k1_pubkey& point, const Number& r,
                            const Number& s, const Number& digest) {
  const Number inverse = inverse_of(r, order_n);
  const auto q = sum(times(modulo(s * inverse, order_n), point),
                     times(modulo(-digest * inverse, order_n), generator_times(1)));
  add(what, 0, case_of(key(q.value()), r, s, digest));
}

// R.x = r + n, where r < p - n; and what looks like it.
void Crafted::second_candidates() {
  Random& random = signer_.random();
  const auto low_s = [&] { return Number(random.scalar() / 2 + 1); };
  const Number room = field_p - order_n;
  const auto from = [&](const Number& start, int step, unsigned count) {
    Number r = start;
    for (unsigned found = 0; found < count; r += step) {
      if (const auto far = point_with_x(r + order_n)) {
        ++found;
        add_for_point("R.x = r + n", *far, r, low_s(), random.below(order_n));
        Case spoiled = cases_.back();
        spoiled.digest[3] ^= 4;
        add("R.x = r + n, spoiled", 0, spoiled.judged());
      }
    }
  };
  from(1, 1, 4);
  from(room / 2, 1, 2);
  from(room - 1, -1, 4);
  const auto near = [&](const Number& start, int step) {
    Number r = start;
    for (unsigned found = 0; found < 3; r += step) {
      if (const auto point = point_with_x(r)) {
        ++found;
        add_for_point("R.x = r, small or at an edge", *point, r, low_s(), random.below(order_n));
      }
    }
  };
  near(1, 1);
  near(room - 1, -1);
  near(room, 1);
  near(order_n - 1, -1);
  // r + n = p + t, which is t modulo p: no candidate.
  unsigned found = 0;
  for (Number t = 1; found < 4; ++t) {
    if (const auto point = point_with_x(t)) {
      ++found;
      add_for_point("R.x = r + n - p", *point, room + t, low_s(), random.below(order_n));
      if (cases_.back().good) throw std::logic_error("r + n - p is no candidate");
    }
  }
}

void Crafted::edges_of_digest_and_s() {
  Random& random = signer_.random();
  const Key& some = key_of(random.scalar());
  const unsigned no_u1 = on_hot | on_one;  // both halves of 0 are not: they cancel
  add("a digest of 0", no_u1, signer_.sign(some, 0));
  add("a digest of n", no_u1, signer_.sign(some, order_n));
  Case zero = signer_.sign(some, 0);
  zero.signature[50] ^= 1;
  add("a digest of 0, spoiled", no_u1, zero.judged());
  const Number digests[] = {1, order_n - 1, order_n + 1, order_n + 12345, power_of_two(256) - 1};
  for (const Number& digest : digests) {
    add("a digest at an edge", 0, signer_.sign(some, digest));
  }
  const Number edges[] = {
      1, 2, 3, order_n / 2, order_n / 2 - 1, power_of_two(128), power_of_two(254)};
  for (const Number& s : edges) {
    const auto point = generator_times(random.scalar());
    const Number r = modulo(x_of(point), order_n);
    add_for_point("s at an edge", point, r, s, random.below(order_n));
    Case spoiled = cases_.back();
    spoiled.digest[31] ^= 1;
    add("s at an edge, spoiled", 0, spoiled.judged());
  }
}

void Crafted::infinity_and_doubling() {
  Random& random = signer_.random();
  const Number secrets[] = {1, order_n - 1, 2, lambda, order_n - lambda, random.scalar()};
  for (const Number& q : secrets) {
    const Key& of = key_of(q);
    for (unsigned i = 0; i < 2; ++i) {
      add("a key beside the generator", 0, signer_.sign(of));
    }
    add_low("u1 G = u2 Q", on_hot | on_one, [&] {
      const Number u2 = random.scalar();
      return case_of_scalars(of, modulo(u2 * of.secret, order_n), u2);
    });
    const Number r = random.scalar(), s = random.scalar() / 2 + 1;
    add("u1 G = -u2 Q", on_hot | on_one | on_cold,
        case_of(of, r, s, modulo(-r * of.secret, order_n)));
    if (cases_.back().good) throw std::logic_error("infinity is no signature");
    if (q == order_n - 1) continue;  // infinity, always
    add_low("u1 = u2", q == 1 ? on_hot | on_one : 0, [&] {
      const Number u = random.scalar();
      return case_of_scalars(of, u, u);
    });
  }
  // Q = G: one half in both.
  const Key& generator = key_of(1);
  for (const Number& less : {Number(lambda), Number(2 * lambda), Number(4)}) {
    add_low("u1 and u2 near each other, Q = G", 0, [&] {
      const Number u = random.scalar();
      return case_of_scalars(generator, u, modulo(u + less, order_n));
    });
  }
}

// k1 = ±k2·lambda (mod n), though neither is 0: (k1, ∓k2) in the lattice.
void Crafted::halves_that_meet() {
  Random& random = signer_.random();
  const Number a1("0x3086d221a7d46bcde86c90e49284eb15"),
      minus_b1("0xe4437ed6010e88286f547fa90abfe4c3"), a2("0x114ca50f7a8e2f3f657c1108d9d44cfd8");
  unsigned found = 0;
  for (int i = -4; i <= 4; ++i) {
    for (int j = -4; j <= 4; ++j) {
      const Number u = modulo(2 * (i * a1 + j * a2), order_n);
      const Number v = modulo(2 * (-i * minus_b1 + j * a1) * lambda, order_n);
      for (const Number& meeting : {u, v}) {
        const Halves halves = split(meeting);
        if (meeting == 0 || !meets(halves.a(), halves.b() * lambda)) continue;
        ++found;
        add_low("the halves of u1 meet", on_hot | on_one,
                [&] { return case_of_scalars(key_of(random.scalar()), meeting, random.scalar()); });
        add_low("the halves of u2 meet", on_hot | on_one,
                [&] { return case_of_scalars(key_of(random.scalar()), random.scalar(), meeting); });
        add_low("the halves of u1 and of u2 meet", on_hot | on_one,
                [&] { return case_of_scalars(key_of(random.scalar()), meeting, meeting); });
        Case spoiled = cases_.back();
        spoiled.key = &key_of(random.scalar());
        add("the halves meet, another's key", on_hot | on_one, spoiled.judged());
      }
      if (found >= 8) return;
    }
  }
  if (found == 0) throw std::logic_error("no halves meet");
}

void Crafted::accumulators_that_meet() {
  Random& random = signer_.random();
  unsigned found = 0;
  for (int a = -48; a <= 48 && found < 10; ++a) {
    for (int b = -48; b <= 48 && found < 10; ++b) {
      const Number u2 = modulo(a + b * lambda, order_n);
      if (u2 == 0 || !cold_meets(u2)) continue;
      ++found;
      add_low("the run down u2 meets a multiple", on_cold,
              [&] { return case_of_scalars(key_of(random.scalar()), random.scalar(), u2); });
    }
  }
  if (found == 0) throw std::logic_error("no run down meets a multiple");
  // A key for which u2 Q and what was added of the generator are ± the next of its terms.
  for (unsigned t = 0; t < 2 * generator_windows; t += 3) {
    for (const int sign : {1, -1}) {
      const bool last = t + 1 == 2 * generator_windows;
      if (last && sign < 0) continue;  // R at infinity
      add_low("the generator's terms meet the sum", on_cold, [&] {
        const Number u1 = random.scalar(), u2 = random.scalar();
        const auto terms = generator_terms(u1);
        Number wanted = sign * terms[t];
        for (unsigned i = 0; i < t; ++i) wanted -= terms[i];
        return case_of_scalars(key_of(wanted * inverse_of(u2, order_n)), u1, u2);
      });
    }
  }
}

void Crafted::small_scalars() {
  Random& random = signer_.random();
  const Number small[] = {1,      2,          3,          32,         order_n - 1,
                          lambda, lambda + 1, lambda - 1, lambda * 2, order_n - lambda};
  for (const Number& given : small) {
    const Number u = modulo(given, order_n);
    const unsigned run = cold_meets(u) ? on_cold : 0;
    add_low("a small u1", 0,
            [&] { return case_of_scalars(key_of(random.scalar()), u, random.scalar()); });
    add_low("a small u2", run,
            [&] { return case_of_scalars(key_of(random.scalar()), random.scalar(), u); });
    add_low("both small", run, [&] { return case_of_scalars(key_of(random.scalar()), u, u); });
  }
}

}  // namespace claimgate::secp::test
