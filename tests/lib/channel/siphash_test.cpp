#include "lib/channel/siphash.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace claimgate::channel {
namespace {

// The key 00 01 … 0f of the published vectors, whose messages are 00 01 … (n-1).
constexpr std::array<std::uint64_t, 2> counting_key = {0x0706'0504'0302'0100,
                                                       0x0F0E'0D0C'0B0A'0908};

std::vector<std::byte> counting(std::size_t n) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = std::byte(i);
  return bytes;
}

// Reads a vector as it is published: eight bytes in the order of the output.
std::uint64_t published(std::uint64_t bytes) {
  return std::byteswap(bytes);
}

TEST(SipHash, TwoFourGivesThePublishedVectors) {
  // github.com/veorq/SipHash, vectors.h; the one of 15 bytes is also in the paper's appendix A.
  constexpr std::uint64_t vectors[] = {
      0x310e0edd47db6f72, 0xfd67dc93c539f874, 0x5a4fa9d909806c0d, 0x2d7efbd796666785,
      0xb7877127e09427cf, 0x8da699cd64557618, 0xcee3fe586e46c9cb, 0x37d1018bf50002ab,
      0x6224939a79f5f593, 0xb0e4a90bdf82009e, 0xf3b9dd94c5bb5d7a, 0xa7ad6b22462fb3f4,
      0xfbe50e86bc8f1e75, 0x903d84c02756ea14, 0xeef27a8e90ca23f7, 0xe545be4961ca29a1,
      0xdb9bc2577fcc2a3f, 0x9447be2cf5e99a69, 0x9cd38d96f0b3c14b, 0xbd6179a71dc96dbb,
      0x98eea21af25cd6be, 0xc7673b2eb0cbf2d0, 0x883ea3e395675393, 0xc8ce5ccd8c030ca8,
      0x94af49f6c650adb8, 0xeab8858ade92e1bc, 0xf315bb5bb835d817, 0xadcf6b0763612e2f,
      0xa5c91da7acaa4dde, 0x716595876650a2a6, 0x28ef495c53a387ad, 0x42c341d8fa92d832,
      0xce7cf2722f512771, 0xe37859f94623f3a7, 0x381205bb1ab0e012, 0xae97a10fd434e015,
      0xb4a31508beff4d31, 0x81396229f0907902, 0x4d0cf49ee5d4dcca, 0x5c73336a76d8bf9a,
      0xd0a704536ba93e0e, 0x925958fcd6420cad, 0xa915c29bc8067318, 0x952b79f3bc0aa6d4,
      0xf21df2e41d4535f9, 0x87577519048f53a9, 0x10a56cf5dfcd9adb, 0xeb75095ccd986cd0,
      0x51a9cb9ecba312e6, 0x96afadfc2ce666c7, 0x72fe52975a4364ee, 0x5a1645b276d592a1,
      0xb274cb8ebf87870a, 0x6f9bb4203de7b381, 0xeaecb2a30b22a87f, 0x9924a43cc1315724,
      0xbd838d3aafbf8db7, 0x0b1a2a3265d51aea, 0x135079a3231ce660, 0x932b2846e4d70666,
      0xe1915f5cb1eca46c, 0xf325965ca16d629f, 0x575ff28e60381be5, 0x724506eb4c328a95,
  };
  for (std::size_t n = 0; n < std::size(vectors); ++n) {
    EXPECT_EQ((siphash_of<2, 4>(counting(n), counting_key)), published(vectors[n])) << n;
  }
  EXPECT_EQ((siphash_of<2, 4>(counting(15), counting_key)), 0xa129ca6149be45e5u);
}

TEST(SipHash, OneThreeGivesTheVectorsOfOtherImplementations) {
  // OpenSSL 3's SIPHASH MAC with c-rounds 1 and d-rounds 3.
  constexpr std::uint64_t vectors[] = {
      0xdcc40f055801acab, 0x93ca577df39bf4c9, 0x4dd4c74d029bcb82, 0xfbf7dde7b80af88b,
      0x2883d388605775cf, 0x673b53492fd5f9de, 0xa7229fc5502b0dc5, 0x4011b19b987d92d3,
      0x8e9a298d11959036, 0xe43d066cb38ea425, 0x7f09ff92ee85de79, 0x52c34df9c118c170,
      0xa2d9b457b184a378, 0xa7ff29120c766f30, 0x345df9c011a15a60, 0x5699512a6dd820d3,
      0x668b907d1add4fcc, 0x0cd8db639068f29c, 0x3ee673b49c38fc8f, 0x1c7d298de59d1ff2,
      0x40e0cca6462fdcc0, 0x44f8452bfeab92b9, 0x2e8720a39b7bfe7f, 0x23c1e6da7f0e5a52,
      0x8c9c3467b2ae64f4, 0x79095b702859cd45, 0xa51399cae3353e3a, 0x353bde4a4ec71da9,
      0x0dd06cef02ed0bfb, 0xf4e1b14ab43cd988, 0x63e6c543d6110f54, 0xbcd1218c1fdd7023,
      0x0db6a7166c7b1581, 0xbff98f7ae5b9544d, 0x3e752a1f78129f75, 0x916b18bfbea3a1ce,
      0x0662a2add308f52c, 0x5730c3a32d1c10b6, 0xa1363aae9674f4b3, 0x9283107b54576b62,
      0x3115e4993236d2c1, 0x44d91a3f92c17c66, 0x258813c8fe4f7065, 0xa64989c2d180f224,
      0x6b87f8faed1ccac2, 0x9621049ffc4b16c2, 0x23d6b168939c6ea1, 0xfd14518b9c16fb49,
      0x464c07dff843319f, 0xb386cc1224affdc6, 0x8f09520ad149af7e, 0x9a2f299d5513f31c,
      0x121ff4a2dd304ac4, 0xd01ea74389e9fa36, 0xe6bcf0734cb38f31, 0x80e9a77036bf7aa2,
      0x756d3c24dbc0bcb4, 0x1315b7fd52d8f823, 0x088a7da64d5f038f, 0x48f1e8b7e5d09cd8,
      0xee44a6f7bce6f4f6, 0xf237180fd89ac5ae, 0xe094664b15f6b2c3, 0xa8b3bbb76290199d,
  };
  for (std::size_t n = 0; n < std::size(vectors); ++n) {
    EXPECT_EQ((siphash_of<1, 3>(counting(n), counting_key)), published(vectors[n])) << n;
  }
}

TEST(SipHash, OfOneWordIsThatOfItsEightBytes) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::array<std::uint64_t, 2> key = {random(), random()};
    const std::uint64_t word = random();
    const auto bytes = std::as_bytes(std::span(&word, 1));
    ASSERT_EQ(siphash_1_3(word, key), (siphash_of<1, 3>(bytes, key)));
  }
}

}  // namespace
}  // namespace claimgate::channel
