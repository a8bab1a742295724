#include "tests/lib/secp/paths.hpp"

#include <xmmintrin.h>

#include <algorithm>
#include <stdexcept>

namespace claimgate::secp::test {
namespace {

constexpr std::uint8_t untouched = 0xEE;
constexpr unsigned beyond = 16;

// The ways to round, by turns: a kernel brings its own and gives the caller's back.
class Rounding {
 public:
  Rounding() : before_(_mm_getcsr()) {
    static unsigned turn = 0;
    given_ = (before_ & ~0x6000u) | ++turn % 4 << 13;
    _mm_setcsr(given_);
  }
  Rounding(const Rounding&) = delete;
  Rounding& operator=(const Rounding&) = delete;
  ~Rounding() { _mm_setcsr(before_); }
  [[nodiscard]] bool kept() const {
    constexpr unsigned flags = 0x3F;  // of what has happened
    return ((_mm_getcsr() ^ given_) & ~flags) == 0;
  }

 private:
  unsigned before_, given_;
};

const Kernel::Batch<HotClaim>& hot_of(const Kernel& kernel, Path path) {
  return path == Path::hot_small ? kernel.hot_small : kernel.hot_large;
}
const std::uint64_t* table_for(const Case& one, Path path) {
  const bool small = path == Path::hot_small || path == Path::one_small;
  return (small ? one.key->small : one.key->large).get();
}

}  // namespace

Verifying::Verifying(const Kernel& kernel, Path path) : kernel_(&kernel), path_(path), batch_(1) {
  std::size_t bytes = 64;
  if (path == Path::cold) {
    batch_ = kernel.cold.batch;
    bytes = kernel.cold.work_bytes;
  } else if ((bit(path) & on_hot) != 0) {
    batch_ = hot_of(kernel, path).batch;
    bytes = hot_of(kernel, path).work_bytes;
  }
  work_ = area<void>(bytes);
}

std::string Verifying::text() const {
  static constexpr const char* names[] = {"hot, small", "hot, large", "cold", "one, small",
                                          "one, large"};
  return std::string(kernel_->name) + " (" + names[static_cast<unsigned>(path_)] + ")";
}

template <class Claim>
void Verifying::run(const Kernel::Batch<Claim>& batch, std::span<const Claim> claims) {
  batch.begin(work_.get(), claims.data(), static_cast<unsigned>(claims.size()), generator_table(),
              false);
  while (!batch.step(work_.get(), verdicts_.data())) {
  }
}

std::span<const std::uint8_t> Verifying::operator()(std::span<const Case* const> cases) {
  if (cases.empty() || cases.size() > batch_) throw std::logic_error("no such batch");
  const Rounding rounding;
  verdicts_.assign(cases.size() + beyond, untouched);
  if (path_ == Path::cold) {
    std::vector<ColdClaim> claims;
    for (const Case* one : cases) {
      claims.push_back({one->signature.data(), one->digest.data(), one->key->bytes.data()});
    }
    run<ColdClaim>(kernel_->cold, claims);
  } else {
    std::vector<HotClaim> claims;
    for (const Case* one : cases) {
      claims.push_back({one->signature.data(), one->digest.data(), table_for(*one, path_)});
    }
    if ((bit(path_) & on_hot) != 0) {
      run<HotClaim>(hot_of(*kernel_, path_), claims);
    } else {
      verdicts_[0] = (path_ == Path::one_small ? kernel_->one_small : kernel_->one_large)(
          claims[0], generator_table());
    }
  }
  if (!rounding.kept()) throw std::logic_error(text() + " left the rounding");
  if (!std::all_of(verdicts_.end() - beyond, verdicts_.end(),
                   [](std::uint8_t v) { return v == untouched; })) {
    throw std::logic_error(text() + " wrote a verdict too many");
  }
  return std::span(verdicts_).first(cases.size());
}

std::string wrong(const Verifying& verifying, const Case& one, std::uint8_t verdict,
                  bool may_be_undecided) {
  const std::uint8_t expected = one.good ? accepted : refused;
  const bool exceptional = (one.exceptional & bit(verifying.path())) != 0;
  if (exceptional ? verdict == undecided
                  : verdict == expected || (may_be_undecided && verdict == undecided)) {
    return {};
  }
  std::string hex;
  const auto put = [&hex](std::span<const unsigned char> bytes) {
    for (const unsigned char b : bytes) {
      hex += "0123456789abcdef"[b / 16];
      hex += "0123456789abcdef"[b % 16];
    }
    hex += ' ';
  };
  put(one.signature);
  put(one.digest);
  put(one.key->bytes);
  return verifying.text() + " says " + std::to_string(verdict) + ", not " +
         std::to_string(exceptional ? std::uint8_t{undecided} : expected) + ": " + one.what + ": " +
         hex;
}

}  // namespace claimgate::secp::test
