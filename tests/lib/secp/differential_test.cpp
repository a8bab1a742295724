// Claims by the hundred thousand, good ones and spoiled ones, through every kernel and every path,
// against libsecp256k1.
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>

#include "tests/lib/secp/paths.hpp"
#include "tests/lib/secp/tested_kernels.hpp"

namespace claimgate::secp::test {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool slow = true;  // there it is the memory that is looked at
#else
constexpr bool slow = false;
#endif

// Batches of all sizes that have an edge, full ones most of the time.
class Feeder {
 public:
  Feeder(const Kernel& kernel, Path path, unsigned every)
      : verifying_(kernel, path), every_(every), wanted_(verifying_.batch()) {}

  // Takes every so-manieth case.
  void take(const Case& one, std::uint64_t number) {
    if (number % every_ != 0) return;
    pending_.push_back(one);
    if (pending_.size() >= wanted_) flush();
  }
  void flush() {
    if (pending_.empty()) return;
    std::vector<const Case*> batch;
    for (const Case& one : pending_) batch.push_back(&one);
    const auto verdicts = verifying_(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::string text = wrong(verifying_, *batch[i], verdicts[i], false);
      if (!text.empty()) ADD_FAILURE() << text << "(lane " << i << " of " << batch.size() << ")";
    }
    compared_ += batch.size();
    pending_.clear();
    const unsigned full = verifying_.batch(), lanes = verifying_.kernel().lanes;
    const unsigned sizes[] = {1, 2, 3, lanes - 1, lanes, lanes + 1, full - 1};
    ++batches_;
    wanted_ = batches_ % 2 == 0 ? full : sizes[batches_ / 2 % std::size(sizes)];
    wanted_ = std::min(std::max(wanted_, 1u), full);
  }
  [[nodiscard]] std::uint64_t compared() const { return compared_; }
  [[nodiscard]] std::string text() const { return verifying_.text(); }

 private:
  Verifying verifying_;
  unsigned every_, wanted_;
  std::uint64_t batches_ = 0, compared_ = 0;
  std::vector<Case> pending_;
};

// One in so many cases goes through a path; what costs more gets less.
unsigned share(const Kernel& kernel, Path path) {
  const unsigned path_share = (bit(path) & on_one) != 0 ? 16 : path == Path::cold ? 4 : 1;
  const bool vectors = kernel.lanes > 1 && &kernel != &model_kernel;
  return path_share * (vectors ? 1 : &kernel == &portable_kernel ? 8 : 50);
}

TEST(SecpDifferential, EveryKernelGivesLibsecp256k1sAnswerOnEveryPath) {
  const std::uint64_t wanted =
      (std::getenv("CLAIMGATE_LONG") != nullptr ? 10'000'000u : 200'000u) / (slow ? 40 : 1);
  Signer signer(1);
  std::vector<Key> keys;
  for (unsigned i = 0; i < 48; ++i) keys.push_back(Key::of_secret(signer.random().scalar()));
  std::deque<Feeder> feeders;
  for (const Kernel* const kernel : tested_kernels("secp_differential")) {
    for (const Path path : all_paths) feeders.emplace_back(*kernel, path, share(*kernel, path));
  }
  std::uint64_t good = 0;
  for (std::uint64_t i = 0; i < wanted && !::testing::Test::HasFailure(); ++i) {
    const Case one = signer.any(keys);
    good += one.good;
    for (Feeder& feeder : feeders) feeder.take(one, i);
  }
  for (Feeder& feeder : feeders) {
    feeder.flush();
    std::printf("%10llu verdicts of %s\n", static_cast<unsigned long long>(feeder.compared()),
                feeder.text().c_str());
  }
  std::printf("%10llu claims, %llu of them good\n", static_cast<unsigned long long>(wanted),
              static_cast<unsigned long long>(good));
  EXPECT_GT(good, wanted / 3);
  EXPECT_LT(good, wanted * 2 / 3);
}

}  // namespace
}  // namespace claimgate::secp::test
