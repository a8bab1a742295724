// C2SP/wycheproof through every kernel, every path and every lane; read where it lies and never
// copied. Without: NOT RUN.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <iostream>

#include "lib/xrpl/signature.hpp"
#include "tests/lib/secp/paths.hpp"
#include "tests/lib/secp/tested_kernels.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::secp::test {
namespace {

struct Suite {
  std::deque<Key> keys;
  std::vector<Case> cases;  // whose r and s a kernel is handed
  unsigned read = 0, out_of_range = 0, valid = 0;
};

Suite load() {
  Suite out;
  const auto whole = xrpl::test::load_json(xrpl::test::shared_vectors_dir() +
                                           "/wycheproof/ecdsa_secp256k1_sha512_p1363_test.json");
  for (const auto& group : whole.at("testGroups")) {
    const auto point = xrpl::test::bytes_of(group.at("publicKey").at("uncompressed"));
    secp256k1_pubkey parsed;
    if (secp256k1_ec_pubkey_parse(library(), &parsed, xrpl::test::octets(point.data()),
                                  point.size()) != 1) {
      throw std::runtime_error("a key of wycheproof's is no point");
    }
    const Key& key = out.keys.emplace_back(parsed);
    for (const auto& test : group.at("tests")) {
      ++out.read;
      const auto signature = xrpl::test::bytes_of(test.at("sig"));
      Case one;
      one.key = &key;
      one.what = "wycheproof";
      if (signature.size() != one.signature.size()) {
        ++out.out_of_range;
        continue;
      }
      std::ranges::copy_n(xrpl::test::octets(signature.data()), 64, one.signature.begin());
      if (!in_range(one)) {
        ++out.out_of_range;
        continue;
      }
      const auto digest = xrpl::sha512_half(xrpl::test::bytes_of(test.at("msg")));
      std::ranges::copy_n(xrpl::test::octets(digest.data()), 32, one.digest.begin());
      one.judged();
      EXPECT_EQ(one.good, test.at("result") == "valid") << test.at("tcId");
      out.valid += one.good;
      out.cases.push_back(one);
    }
  }
  return out;
}

TEST(SecpWycheproof, EveryCaseInEveryLane) {
  const Suite suite = load();
  EXPECT_EQ(suite.read, 322);
  EXPECT_EQ(suite.valid, 129);
  EXPECT_EQ(suite.out_of_range + suite.cases.size(), 322);
  for (const Kernel* const kernel : tested_kernels("secp_wycheproof")) {
    for (const Path path : all_paths) {
      Verifying verifying(*kernel, path);
      unsigned undecided_cases = 0;
      const std::size_t count = suite.cases.size();
      for (unsigned shift = 0; shift < kernel->lanes; ++shift) {
        // The first batch takes `shift` fewer: every case moves on by a lane.
        std::size_t size = verifying.batch() > shift ? verifying.batch() - shift : 1;
        for (std::size_t first = 0; first < count; size = verifying.batch()) {
          std::vector<const Case*> batch;
          while (batch.size() < size && first < count) batch.push_back(&suite.cases[first++]);
          const auto verdicts = verifying(batch);
          for (std::size_t i = 0; i < batch.size(); ++i) {
            EXPECT_EQ(wrong(verifying, *batch[i], verdicts[i], true), "") << "in place " << i;
            undecided_cases += verdicts[i] == undecided ? 1 : 0;
          }
        }
        if (verifying.batch() == 1) break;
      }
      std::cout << verifying.text() << ": " << undecided_cases << " undecided\n";
    }
  }
}

}  // namespace
}  // namespace claimgate::secp::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string dir = claimgate::xrpl::test::shared_vectors_dir();
  if (!std::filesystem::is_directory(dir)) {
    std::cout << "NOT RUN: secp_wycheproof: no folder of published vectors at " << dir
              << "; set CLAIMGATE_SHARED_VECTORS to the one with wycheproof/\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
