// What a figure was measured on: without it no number can be compared with another one.
#pragma once

#include "bench/measure/report.hpp"

namespace claimgate::bench {

// CPU, cores, clock control, pages, load, kernel, compiler as facts; a warning where others keep
// the machine busy. What the machine does not tell is said to be unknown.
void report_machine(const Report& report);

// The calling thread onto the last CPU it may run on; which one.
unsigned pin_to_last_cpu();

}  // namespace claimgate::bench
