// Where a figure's two threads run: the worker on the last CPU, whatever works beside it elsewhere.
#pragma once

#include <sched.h>

namespace claimgate::bench {

// The caller leaves the last CPU to the worker that it will be; threads made meanwhile stay there.
class OffTheLastCpu {
 public:
  OffTheLastCpu() {
    static const cpu_set_t allowed = [] {
      cpu_set_t now;
      sched_getaffinity(0, sizeof now, &now);
      return now;
    }();
    int last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) last = cpu;
    }
    CPU_ZERO(&last_);
    CPU_SET(last, &last_);
    cpu_set_t others = allowed;
    if (CPU_COUNT(&others) > 1) CPU_CLR(last, &others);
    sched_setaffinity(0, sizeof others, &others);
  }
  OffTheLastCpu(const OffTheLastCpu&) = delete;
  OffTheLastCpu& operator=(const OffTheLastCpu&) = delete;
  ~OffTheLastCpu() { sched_setaffinity(0, sizeof last_, &last_); }

 private:
  cpu_set_t last_;
};

}  // namespace claimgate::bench
