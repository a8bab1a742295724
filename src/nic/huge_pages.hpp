// Whether DPDK's memory comes from huge pages: eal.huge_pages of the configuration.
#pragma once

namespace claimgate::nic {

enum class HugePages {
  automatic,  // used where enough are free, normal pages otherwise
  require,    // refuse to start without
  never,
};

}  // namespace claimgate::nic
