// The seeds of verify_fuzz: every recipe with numbers of chance, signatures that verify and are
// then changed, and relations that lead to each exceptional case.
#include <initializer_list>
#include <string>
#include <vector>

#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/verify_input.hpp"

namespace claimgate::fuzz {
namespace {

// Numbers and changes as bytes; plus(), because a claim is one after the other.
class Bytes {
 public:
  template <class... Each>
  explicit Bytes(Each... each) : bytes_{static_cast<std::byte>(each)...} {}
  Bytes& plus(const Bytes& more) {
    bytes_.insert(bytes_.end(), more.bytes_.begin(), more.bytes_.end());
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Bytes by_chance(int seed) {
  return Bytes(Form::chance, 0, seed);
}
Bytes near(Place place, int distance) {
  return Bytes(Form::near, place, distance);
}
Bytes related(int how) {
  return Bytes(Form::related, how);
}
Bytes written(int each) {
  Bytes out(Form::written);
  for (int i = 0; i < 32; ++i) out.plus(Bytes(each));
  return out;
}

Bytes claim(int key, Recipe recipe, const Bytes& a, const Bytes& b, unsigned lanes = 1,
            std::initializer_list<Bytes> changes = {}) {
  Bytes out(key, recipe);
  out.plus(a).plus(b).plus(Bytes(changes.size()));
  for (const Bytes& each : changes) out.plus(each);
  return out.plus(Bytes(lanes - 1));
}

void add_changed(SeedFolder& folder) {
  const auto add = [&](const char* name, const Bytes& change) {
    folder.add(name, claim(0, Recipe::sign, by_chance(1), by_chance(2), 1, {change}).all());
  };
  add("a_bit_of_r", Bytes(Change::flip, 5, 1));
  add("a_bit_of_s", Bytes(Change::flip, 40, 8));
  add("a_bit_of_the_digest", Bytes(Change::flip, 80, 64));
  add("r_of_0", Bytes(Change::replace, 0).plus(near(Place::zero, 0)));
  add("s_above_half", Bytes(Change::replace, 1).plus(near(Place::half_order, 1)));
  add("a_digest_of_n", Bytes(Change::replace, 2).plus(near(Place::order, 0)));
  add("another_key", Bytes(Change::other_key, 1));
  add("a_high_s", Bytes(Change::negate_s));
  add("r_and_s_exchanged", Bytes(Change::exchange));
  add("a_byte_put", Bytes(Change::put, 95, 0));
}

void add_exceptional(SeedFolder& folder) {
  const auto add = [&](const std::string& name, int key, const Bytes& u1, const Bytes& u2) {
    folder.add(name, claim(key, Recipe::scalars, u1, u2).all());
  };
  // Key 2 is the generator, the secret of key 5 lambda. In Cold it is 26·lambda that meets.
  add("u1_is_u2_of_the_generator", 2, by_chance(1), related(0));
  add("infinity_of_the_generator", 2, by_chance(1), related(minus));
  add("u1_is_lambda_u2", 2, by_chance(1), related(lambda_exponent));
  add("infinity_by_lambda", 5, by_chance(1), related(minus | 2 * lambda_exponent));
  add("u1_of_0", 0, near(Place::zero, 0), by_chance(2));
  add("small_scalars", 0, near(Place::zero, 3), near(Place::zero, 32));
  add("u2_that_meets_a_multiple", 0, by_chance(1), Bytes(Form::by_halves, 0, 26));
  add("halves_of_u1_meet", 0, Bytes(Form::in_lattice, 1, 0, 1), by_chance(2));
  add("halves_of_u2_meet", 0, by_chance(1), Bytes(Form::in_lattice, 1, 0, 0));
  add("x_above_n", key_of_large_x, near(Place::zero, 1), near(Place::zero, 1));
}

}  // namespace

void write_verify_seeds(SeedFolder& folder) {
  const Bytes some = by_chance(1), more = by_chance(2);
  for (int key = 0; key < static_cast<int>(keys_count); ++key) {
    folder.add("signed_by_" + std::to_string(key), claim(key, Recipe::sign, some, more).all());
  }
  folder.add("s_chosen", claim(1, Recipe::choose_s, some, more).all());
  folder.add("s_of_1", claim(1, Recipe::choose_s, near(Place::zero, 1), more).all());
  folder.add("s_of_half", claim(1, Recipe::choose_s, near(Place::half_order, 0), more).all());
  folder.add("scalars", claim(1, Recipe::scalars, some, more).all());
  folder.add("written", claim(1, Recipe::sign, written(0xFF), written(1)).all());
  folder.add(
      "powers",
      claim(0, Recipe::choose_s, Bytes(Form::power, 128, -1), Bytes(Form::power, 64, 0)).all());
  folder.add("as_is", Bytes(0, Recipe::as_is).plus(some).plus(more).plus(by_chance(3)).all());
  add_changed(folder);
  add_exceptional(folder);
  // The exceptional among others, in a lane of its own; and a full batch.
  Bytes among = claim(0, Recipe::sign, some, more, 5);
  among.plus(claim(2, Recipe::scalars, some, related(0)))
      .plus(claim(1, Recipe::sign, some, more, 2))
      .plus(claim(1, Recipe::sign, some, more, 3, {Bytes(Change::flip, 70, 2)}));
  folder.add("an_exceptional_among_others", among.all());
  Bytes full = claim(0, Recipe::sign, some, more, 16);
  full.plus(claim(3, Recipe::sign, more, some, 16));
  folder.add("a_full_batch", full.all());
}

}  // namespace claimgate::fuzz
