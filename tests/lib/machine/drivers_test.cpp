#include "lib/machine/drivers.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/lib/machine/host.hpp"

namespace claimgate::machine {
namespace {

using namespace std::string_literals;

const std::string ixgbe =
    "\x7F"
    "ELF…\0"
    "PMD_INFO_STRING= {\"name\": \"net_ixgbe_vf\", \"kmod\": \"* igb_uio | vfio-pci\", "
    "\"pci_ids\": "
    "[[32902, 4333, 65535, 65535]]}\0"
    "PMD_INFO_STRING= {\"name\": \"net_ixgbe\", \"params\": \"a=<0|1>\", \"kmod\": \"* igb_uio | "
    "uio_pci_generic | vfio-pci\", \"pci_ids\": [[32902, 4278, 65535, 65535], [32902, 5416, 65535, "
    "65535]]}\0"
    "rest"s;

class Drivers : public testing::Test {
 protected:
  std::vector<PortDriver> all() const { return port_drivers(host.path("pmds-23.0")); }
  Host host;
};

TEST_F(Drivers, SayTheirNamesModulesAndDevices) {
  host.put("pmds-23.0/librte_net_ixgbe.so.23.0", ixgbe);
  const auto drivers = all();
  ASSERT_EQ(drivers.size(), 2U);
  EXPECT_EQ(drivers[0].name, "net_ixgbe_vf");
  EXPECT_EQ(drivers[1].name, "net_ixgbe");
  EXPECT_EQ(drivers[1].library, "librte_net_ixgbe.so.23.0");
  EXPECT_TRUE(drivers[1].drives(0x8086, 0x1528));
  EXPECT_FALSE(drivers[0].drives(0x8086, 0x1528));
  EXPECT_TRUE(drivers[1].works_with("uio_pci_generic"));
  EXPECT_FALSE(drivers[0].works_with("uio_pci_generic"));
  EXPECT_TRUE(drivers[0].works_with("vfio-pci"));
  EXPECT_FALSE(drivers[0].works_with("vfio")) << "a part of a name";
  EXPECT_FALSE(drivers[0].works_with("")) << "not bound";
}

TEST_F(Drivers, AreLookedForAsDpdkDoes) {
  host.put("pmds-23.0/librte_net_ixgbe.so.23", ixgbe);    // a link of the linker's
  host.put("pmds-23.0/librte_net_ixgbe.so.22.0", ixgbe);  // of another DPDK
  host.put("pmds-23.0/librte_crypto_x.so.23.0", ixgbe);
  EXPECT_TRUE(all().empty());
  EXPECT_TRUE(port_drivers(host.path("nothing-23.0")).empty());
  host.put("pmds-23.0/librte_bus_pci.so.23.0", "");
  EXPECT_TRUE(has_library(host.path("pmds-23.0"), "librte_bus_pci"));
  EXPECT_FALSE(has_library(host.path("pmds-23.0"), "librte_bus_vdev"));
}

TEST_F(Drivers, ThatSayNonsenseAreLeftOut) {
  host.put("pmds-23.0/librte_net_a.so.23.0",
           "PMD_INFO_STRING= {\"name\": \0PMD_INFO_STRING= []\0PMD_INFO_STRING= {\"name\": 7}\0"s +
               "PMD_INFO_STRING= {\"name\": \"net_a\", \"pci_ids\": [7, [\"x\", 1], [1]]}");
  const auto drivers = all();
  ASSERT_EQ(drivers.size(), 1U);
  EXPECT_EQ(drivers[0].name, "net_a");
  EXPECT_TRUE(drivers[0].pci_ids.empty());
}

TEST_F(Drivers, OfAVirtualDeviceHaveTheLongestNameItBeginsWith) {
  const std::vector<PortDriver> drivers = {
      {.name = "net_tap"}, {.name = "net_virtio"}, {.name = "net_virtio_user"}};
  EXPECT_EQ(driver_of(drivers, "net_tap0"), &drivers[0]);
  EXPECT_EQ(driver_of(drivers, "net_virtio_user0"), &drivers[2]);
  EXPECT_EQ(driver_of(drivers, "net_memif0"), nullptr);
}

TEST_F(Drivers, HaveDebiansPackageNames) {
  EXPECT_EQ(package_of(library_of("net_memif0"), "/x/pmds-23.0"), "librte-net-memif23");
  EXPECT_EQ(package_of(library_of("net_af_packet12"), "/x/pmds-23.0"), "librte-net-af-packet23");
  EXPECT_EQ(package_of(library_of("net_virtio_user0"), "/x/pmds-23.0"), "librte-net-virtio23");
  EXPECT_EQ(package_of(library_of("net_tun0"), "/x/pmds-23.0"), "librte-net-tap23");
  EXPECT_EQ(package_of("librte_net_mlx5", "/x/pmds-23.0"), "librte-net-mlx5-23");
}

}  // namespace
}  // namespace claimgate::machine
