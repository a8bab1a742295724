// Crafted signatures in every place of a batch: each is decided as libsecp256k1 decides it or is
// left undecided, and no neighbour's verdict changes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/lib/secp/crafted.hpp"
#include "tests/lib/secp/tested_kernels.hpp"

namespace claimgate::secp::test {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool slow = true;
#else
constexpr bool slow = false;
#endif

const Crafted& crafted() {
  static const Crafted made;
  return made;
}

// Every kernel on every path; says how many of the cases were left undecided.
template <class Test>
void everywhere(Test test) {
  for (const Kernel* const kernel : tested_kernels("secp_crafted")) {
    for (const Path path : all_paths) {
      Verifying verifying(*kernel, path);
      test(verifying);
    }
  }
}

void expect_right(Verifying& verifying, std::span<const Case* const> batch) {
  const auto verdicts = verifying(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bool neighbour = std::string_view(batch[i]->what).ends_with("neighbour");
    const std::string text = wrong(verifying, *batch[i], verdicts[i], !neighbour);
    EXPECT_EQ(text, "") << "in place " << i << " of " << batch.size();
  }
}

TEST(SecpCrafted, EachInEveryPlaceAmongNeighboursThatAreNeverHarmed) {
  everywhere([](Verifying& verifying) {
    const unsigned lanes = verifying.kernel().lanes;
    const unsigned count = std::min(verifying.batch(), 2 * lanes + 1);
    std::vector<const Case*> batch;
    for (unsigned i = 0; i < count; ++i) batch.push_back(&crafted().neighbours()[i]);
    unsigned turn = 0;
    for (const Case& one : crafted().cases()) {
      ++turn;
      const bool own = verifying.kernel().lanes == 8 || lanes == 1;  // the tests' own are slow
      for (unsigned at = 0; at < count; ++at) {
        if (own && (at + turn) % 4 != 0 && count > 4) continue;
        if (slow && (at + turn) % 3 != 0) continue;
        const Case* const before = std::exchange(batch[at], &one);
        expect_right(verifying, batch);
        batch[at] = before;
      }
    }
  });
}

TEST(SecpCrafted, ManyInOneBatchBesideEachOther) {
  everywhere([](Verifying& verifying) {
    const auto& cases = crafted().cases();
    for (std::size_t first = 0; first < cases.size();) {
      std::vector<const Case*> batch;
      while (batch.size() < verifying.batch() && first < cases.size()) {
        if (batch.size() % 3 == 2) {
          batch.push_back(&crafted().neighbours()[batch.size() % 40]);
        } else {
          batch.push_back(&cases[first++]);
        }
      }
      expect_right(verifying, batch);
    }
  });
}

TEST(SecpCrafted, OneInAllPlacesOfABatch) {
  everywhere([](Verifying& verifying) {
    if (verifying.batch() == 1) return;
    const unsigned count = std::min(verifying.batch(), 2 * verifying.kernel().lanes);
    for (std::size_t i = 0; i < crafted().cases().size(); i += slow ? 9 : 1) {
      expect_right(verifying, std::vector<const Case*>(count, &crafted().cases()[i]));
    }
    expect_right(verifying,
                 std::vector<const Case*>(verifying.batch(), &crafted().neighbours()[0]));
  });
}

TEST(SecpCrafted, OneKeyInAllPlacesOfABatch) {
  Signer signer(3);
  const Key key = Key::of_secret(signer.random().scalar());
  std::vector<Case> cases;
  for (unsigned i = 0; i < 64; ++i) {
    cases.push_back(signer.sign(key));
    if (i % 5 == 0) cases.back().digest[i % 32] ^= 1;
    cases.back().judged().what = "a neighbour";
  }
  everywhere([&](Verifying& verifying) {
    std::vector<const Case*> batch;
    for (unsigned i = 0; i < verifying.batch(); ++i) batch.push_back(&cases[i]);
    expect_right(verifying, batch);
  });
}

// No key is one (the engine's callers see to it), but a fault may make it one: three times a point
// with x = 0 is none, on whichever curve it is.
TEST(SecpCrafted, AKeyThatIsNoPointHarmsNobodyBesideIt) {
  std::deque<Key> keys;
  keys.emplace_back(generator_times(5));
  Case rubbish = crafted().neighbours()[0];
  rubbish.key = &keys[0];
  keys[0].bytes = {};
  keys[0].bytes[63] = 1;  // (0, 1)
  for (const Kernel* const kernel : tested_kernels("secp_crafted")) {
    Verifying verifying(*kernel, Path::cold);
    for (unsigned at = 0; at < verifying.batch(); ++at) {
      std::vector<const Case*> batch;
      for (unsigned i = 0; i < verifying.batch(); ++i) batch.push_back(&crafted().neighbours()[i]);
      batch[at] = &rubbish;
      const auto verdicts = verifying(batch);
      for (unsigned i = 0; i < batch.size(); ++i) {
        if (i == at) {
          EXPECT_NE(verdicts[i], accepted);
        } else {
          EXPECT_EQ(wrong(verifying, *batch[i], verdicts[i], true), "");
        }
      }
    }
  }
}

// What the cases are for must happen: where one was made to be exceptional on a path, wrong() takes
// nothing but `undecided`. Here only that there are enough of each.
TEST(SecpCrafted, ThereAreGoodAndBadAndExceptionalOnesForEveryPath) {
  const auto& cases = crafted().cases();
  const auto good = std::ranges::count_if(cases, [](const Case& c) { return c.good; });
  std::printf("%zu crafted cases, %td of them good signatures\n", cases.size(), good);
  EXPECT_GT(good, 100);
  EXPECT_GT(std::ssize(cases) - good, 20);
  for (const Path path : all_paths) {
    EXPECT_GT(std::ranges::count_if(
                  cases, [&](const Case& c) { return (c.exceptional & bit(path)) != 0; }),
              15);
  }
}

}  // namespace
}  // namespace claimgate::secp::test
