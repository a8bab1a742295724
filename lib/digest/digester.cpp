#include "lib/digest/digester.hpp"

#include <utility>

#include "lib/digest/choice.hpp"

namespace claimgate::digest {
namespace {

std::string text_of(const Kernel& kernel) {
  return std::string(kernel.name) + " kernel";
}

}  // namespace

Digester::Digester(MultiBuffer multi_buffer) noexcept : multi_buffer_(std::move(multi_buffer)) {}

Expected<Digester> Digester::create(const DigesterOptions& options) {
  auto multi_buffer = MultiBuffer::create();
  if (!multi_buffer) return std::unexpected(multi_buffer.error());
  Digester made(std::move(*multi_buffer));
  made.text_ = std::string("ipsec-mb (") + made.multi_buffer_.instruction_set() + ")";
  if (options.kernel == "auto") {
    made.choose(options.kernels);
  } else if (options.kernel != "ipsec-mb") {
    if (auto taken = made.take(options); !taken) return std::unexpected(taken.error());
  }
  return made;
}

void Digester::choose(std::span<const Kernel* const> kernels) {
  std::string remark;
  double best = clearly_faster;
  for (const Kernel* kernel : kernels) {
    if (!runs_here(*kernel)) continue;
    if (!answers_right(*kernel, multi_buffer_)) {
      remark += "; the " + text_of(*kernel) + " gives wrong digests";
      continue;
    }
    const double speed = speed_beside(*kernel, multi_buffer_);
    if (speed <= best) continue;
    best = speed;
    kernel_ = kernel;
  }
  if (kernel_ != nullptr) text_ = text_of(*kernel_);
  text_ += remark;
}

Expected<void> Digester::take(const DigesterOptions& options) {
  for (const Kernel* kernel : options.kernels) {
    if (kernel->word != options.kernel) continue;
    if (!runs_here(*kernel))
      return fail("this CPU lacks what the " + text_of(*kernel) + " needs", "digest");
    if (!answers_right(*kernel, multi_buffer_)) {
      return fail("the " + text_of(*kernel) + " gives wrong digests", "digest");
    }
    kernel_ = kernel;
    text_ = text_of(*kernel);
    return {};
  }
  return fail("there is no digest kernel '" + std::string(options.kernel) + "'", "digest");
}

}  // namespace claimgate::digest
