// libFuzzer target of lib/secp's kernels: claims in, and equal verdicts demanded of all kernels
// that run here.
//
// Input: claims in the language of verify_input.hpp. What a fuzzer changes are numbers of ECDSA's
// equations and, afterwards, bytes of what came of them, so that it reaches signatures that verify.
// What holds for each path (batches with small and large tables and without, one claim alone):
//   · what a kernel accepts libsecp256k1 accepts by the ledger's rules, and what it refuses that
//     refuses;
//   · one kernel leaves a claim undecided where every other does;
//   · in whichever lane it stands, and beside whichever others.
// Claims out of range are libsecp256k1's to refuse: no kernel is handed one.
#include <algorithm>
#include <array>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lib/secp/kernels.hpp"
#include "lib/secp/reference.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/verify_input.hpp"
#include "tests/lib/secp/paths.hpp"

// Kernels are not compiled for a fuzzer (lib/secp/meson.build). It is told what they did instead:
// libFuzzer takes what becomes non-zero here for something new (FuzzerExtraCounters).
namespace {
constexpr std::size_t recipes = static_cast<std::size_t>(claimgate::fuzz::Recipe::count);
constexpr std::size_t paths = std::size(claimgate::secp::test::all_paths), verdicts = 3;
[[gnu::section("__libfuzzer_extra_counters")]] std::uint8_t seen[recipes][paths][verdicts];
}  // namespace

namespace claimgate::fuzz {
namespace {

using namespace secp::test;

constexpr unsigned claims_max = 4;  // what each costs bounds how long an input takes

const std::deque<Key>& keys() {
  static const std::deque<Key> made = [] {
    std::deque<Key> out;
    Random random(1);
    for (const Number& secret : {random.scalar(), random.scalar(), Number(1), Number(2),
                                 Number(order_n - 1), lambda, Number(order_n - lambda)}) {
      out.push_back(Key::of_secret(secret));
    }
    Number x = order_n + 1;  // r = 0 is no signature's
    while (!point_with_x(x)) ++x;
    require(out.size() == key_of_large_x, "keys stand where the language says");
    out.emplace_back(*sum(point_with_x(x), generator_times(order_n - 1)));
    return out;
  }();
  return made;
}

const secp::Reference& reference() {
  static const secp::Reference made = secp::Reference::create().value();
  return made;
}

// ---- reading ------------------------------------------------------------------------------------

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> input) : rest_(input) {}
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_[0];
    rest_ = rest_.subspan(1);
    return out;
  }
  int signed_byte() { return static_cast<std::int8_t>(byte()); }
  unsigned below(unsigned bound) { return byte() % bound; }
  template <class Enum>
  Enum one_of() {
    return static_cast<Enum>(below(static_cast<unsigned>(Enum::count)));
  }
  // 0 .. 2^256 - 1. `before`: what Form::related relates to.
  Number number(const Key& key, const Number& before) {
    return modulo(any_number(key, before), power_of_two(256));
  }

 private:
  Number any_number(const Key& key, const Number& before) {
    switch (one_of<Form>()) {
      case Form::chance: {
        const unsigned seed = byte();
        return Random(seed << 8 | byte()).below(power_of_two(256));
      }
      case Form::written: {
        std::array<unsigned char, 32> bytes;
        for (auto& each : bytes) each = byte();
        return of_bytes(bytes);
      }
      case Form::near: {
        static const std::array<Number, static_cast<std::size_t>(Place::count)> places = {
            0, order_n, order_n / 2, field_p - order_n, field_p, lambda};
        const Number& place = places[static_cast<std::size_t>(one_of<Place>())];
        return place + signed_byte();
      }
      case Form::power: {
        const unsigned exponent = byte();
        return power_of_two(exponent) + signed_byte();
      }
      case Form::by_halves: {
        const int i = signed_byte();
        return modulo(i + signed_byte() * lambda, order_n);
      }
      case Form::in_lattice: {
        static const Number a1("0x3086d221a7d46bcde86c90e49284eb15"),
            minus_b1("0xe4437ed6010e88286f547fa90abfe4c3"),
            a2("0x114ca50f7a8e2f3f657c1108d9d44cfd8");
        const int i = signed_byte(), j = signed_byte();
        return modulo((byte() & 1) != 0 ? Number(2 * (i * a1 + j * a2))
                                        : Number(2 * (-i * minus_b1 + j * a1) * lambda),
                      order_n);
      }
      case Form::related:
      case Form::count:
        break;
    }
    const unsigned how = byte();
    Number out = (how & minus) != 0 ? Number(-before) : before;
    for (unsigned i = 0; i < how / lambda_exponent % 4 % 3; ++i) out *= lambda;
    if ((how & secret) != 0) out *= key.secret;
    return modulo(out, order_n);
  }

  std::span<const std::uint8_t> rest_;
};

// ---- claims -------------------------------------------------------------------------------------

Number scalar_of(const Number& any) {
  const Number out = modulo(any, order_n);
  return out == 0 ? Number(1) : out;
}

struct Signature {
  Number r, s, digest;
};

Signature as_low(Signature made) {
  if (made.s > order_n / 2) made.s = order_n - made.s;
  return made;
}

Signature follow(Recipe recipe, Reader& reader, const Key& key) {
  const Number a = reader.number(key, 0), b = reader.number(key, a);
  const auto r_of = [](const Number& k) { return modulo(x_of(generator_times(k)), order_n); };
  switch (recipe) {
    case Recipe::sign: {
      const Number k = scalar_of(b), r = r_of(k);
      return as_low({r, modulo((a + r * key.secret) * inverse_of(k, order_n), order_n), a});
    }
    case Recipe::choose_s: {
      const Number k = scalar_of(b), r = r_of(k), s = scalar_of(a);
      return as_low({r, s, modulo(s * k - r * key.secret, order_n)});
    }
    case Recipe::scalars: {
      const Number u1 = modulo(a, order_n), u2 = scalar_of(b);
      const auto point = sum(times(u1, generator_times(1)), times(u2, key.point));
      const Number r = point ? modulo(x_of(*point), order_n) : scalar_of(a);
      const Number s = modulo(r * inverse_of(u2, order_n), order_n);
      return as_low({r, s, modulo(u1 * s, order_n)});
    }
    case Recipe::as_is:
    case Recipe::count:
      break;
  }
  return {a, b, reader.number(key, b)};
}

// One of r, s and the digest.
std::span<unsigned char, 32> part_of(Case& one, unsigned which) {
  if (which % 3 == 2) return one.digest;
  return std::span(one.signature).subspan(32 * (which % 3)).first<32>();
}

void change(Case& one, Reader& reader) {
  const auto any_byte = [&]() -> unsigned char& {
    const unsigned at = reader.below(96);
    return part_of(one, at / 32)[at % 32];
  };
  switch (reader.one_of<Change>()) {
    case Change::flip: {
      unsigned char& at = any_byte();
      at ^= reader.byte();
      break;
    }
    case Change::put: {
      unsigned char& at = any_byte();
      at = reader.byte();
      break;
    }
    case Change::other_key:
      one.key = &keys()[reader.below(keys_count)];
      break;
    case Change::negate_s:
      put_bytes(part_of(one, 1).data(), modulo(-one.s(), order_n));
      break;
    case Change::add_order: {
      const auto part = part_of(one, reader.byte());
      const Number sum = of_bytes(part) + order_n;
      if (sum < power_of_two(256)) put_bytes(part.data(), sum);
      break;
    }
    case Change::exchange:
      std::ranges::swap_ranges(part_of(one, 0), part_of(one, 1));
      break;
    case Change::replace:
    case Change::count: {
      const auto part = part_of(one, reader.byte());
      put_bytes(part.data(), reader.number(*one.key, of_bytes(part)));
    }
  }
}

struct Claimed {
  Case claim;
  Recipe recipe;
  unsigned lanes;
};

Claimed read_claim(Reader& reader) {
  const Key& key = keys()[reader.below(keys_count)];
  const Recipe recipe = reader.one_of<Recipe>();
  const Signature made = follow(recipe, reader, key);
  Case one;
  one.key = &key;
  one.what = "an input";
  put_bytes(one.signature.data(), made.r);
  put_bytes(one.signature.data() + 32, made.s);
  put_bytes(one.digest.data(), made.digest);
  for (unsigned changes = reader.below(4); changes > 0; --changes) change(one, reader);
  const auto bytes = [](const auto& array) { return std::as_bytes(std::span(array)).data(); };
  one.good = reference().verify(bytes(one.signature), bytes(one.digest), bytes(one.key->bytes));
  return {one, recipe, 1 + reader.below(16)};
}

// ---- verifying ----------------------------------------------------------------------------------

// Every path of every kernel that runs here, path by path.
std::vector<Verifying>& ways() {
  static std::vector<Verifying> made = [] {
    std::vector<Verifying> out;
    for (const Path path : all_paths) {
      for (const secp::Kernel* const kernel : secp::kernels()) {
        if (runs_here(*kernel)) out.emplace_back(*kernel, path);
      }
    }
    return out;
  }();
  return made;
}

// The claims as lanes: in several where a kernel has several, each after the other.
std::vector<const Claimed*> lanes_for(const Verifying& way, std::span<const Claimed> claims) {
  std::vector<const Claimed*> out;
  const bool many = way.kernel().lanes > 1 && way.batch() > 1;
  for (const Claimed& each : claims) out.insert(out.end(), many ? each.lanes : 1, &each);
  return out;
}

void hold(std::span<const Claimed> claims) {
  constexpr std::uint8_t unknown = 0xFF;
  std::array<std::uint8_t, claims_max> of_path;
  const Verifying* first = nullptr;
  for (Verifying& way : ways()) {
    if (first == nullptr || first->path() != way.path()) {
      first = &way;
      of_path.fill(unknown);
    }
    const auto lanes = lanes_for(way, claims);
    for (std::size_t done = 0; done < lanes.size(); done += way.batch()) {
      const auto batch =
          std::span(lanes).subspan(done, std::min<std::size_t>(way.batch(), lanes.size() - done));
      std::vector<const Case*> cases;
      for (const Claimed* each : batch) cases.push_back(&each->claim);
      const auto answers = way(cases);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const Claimed& each = *batch[i];
        if (const auto text = wrong(way, each.claim, answers[i], true); !text.empty()) {
          require(false, fmt::format("{}(lane {} of {})", text, i, batch.size()));
        }
        std::uint8_t& others = of_path[static_cast<std::size_t>(&each - claims.data())];
        if (others == unknown) others = answers[i];
        if (answers[i] != others) {
          require(false, fmt::format("{} and {} say {} and {}", way.text(), first->text(),
                                     answers[i], others));
        }
        seen[static_cast<std::size_t>(each.recipe)][static_cast<std::size_t>(way.path())]
            [answers[i]] = 1;
      }
    }
  }
}

}  // namespace
}  // namespace claimgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace claimgate::fuzz;
  Reader reader({input, size});
  std::vector<Claimed> claims;
  for (unsigned i = 0; i < claims_max && !reader.at_end(); ++i) {
    const Claimed claimed = read_claim(reader);
    if (claimgate::secp::test::in_range(claimed.claim)) {
      claims.push_back(claimed);
    } else {
      require(!claimed.claim.good, "libsecp256k1 refuses what is out of range");
    }
  }
  hold(claims);
  return 0;
}
