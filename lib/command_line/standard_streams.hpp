// The three streams that a program takes for granted.
#pragma once

#include <fcntl.h>

namespace claimgate {

// To be called first. A program that was started with one of them closed would get its next socket
// or file under that number, and its messages would go into it. Input then is empty, messages on
// standard error are lost, and what is written to standard output fails, as it should.
inline void hold_standard_streams() noexcept {
  for (const int stream : {0, 1, 2}) {
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", stream == 2 ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace claimgate
