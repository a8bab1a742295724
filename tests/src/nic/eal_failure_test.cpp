// EAL that cannot start: the failure says what to do. In a process of its own, since a start that
// failed half way cannot be repeated.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <filesystem>

#include "src/nic/eal.hpp"

namespace claimgate::nic {
namespace {

TEST(EalFailure, NamesTheHugePagesThatAreMissingAndHowToGetThem) {
  const auto eal = Eal::start({.huge_pages = HugePages::require, .memory_mib = 1U << 30});
  ASSERT_FALSE(eal);
  const auto text = eal.error().text();
  EXPECT_NE(text.find("1073741824 MiB"), std::string::npos) << text;
  EXPECT_NE(text.find("nr_hugepages"), std::string::npos) << text;
}

TEST(EalFailure, OfAnUnknownDeviceIsAFailureAndNoCrash) {
  const auto eal = Eal::start({.file_prefix = "claimgate-test-eal-" + std::to_string(getpid()),
                               .huge_pages = HugePages::never,
                               .memory_mib = 64,
                               .vdevs = {"net_nosuch0,size=1"}});
  ASSERT_FALSE(eal);
  EXPECT_NE(eal.error().text().find("DPDK does not start"), std::string::npos);
  EXPECT_FALSE(eal.error().remedy.empty());
  EXPECT_FALSE(std::filesystem::exists(rte_eal_get_runtime_dir())) << "one more for every start";
}

TEST(AllowedCpus, AreSomeAndAscend) {
  const auto cpus = allowed_cpus();
  ASSERT_FALSE(cpus.empty());
  for (std::size_t i = 1; i < cpus.size(); ++i) EXPECT_LT(cpus[i - 1], cpus[i]);
}

}  // namespace
}  // namespace claimgate::nic
