#include "lib/digest/digester.hpp"

#include <intel-ipsec-mb.h>

#include <utility>

namespace claimgate::digest {

void Digester::Free::operator()(IMB_MGR* manager) const noexcept {
  free_mb_mgr(manager);
}

Digester::Digester(IMB_MGR* manager) noexcept : manager_(manager) {}
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;
Digester::~Digester() = default;

Expected<Digester> Digester::create() {
  Digester made(alloc_mb_mgr(0));
  if (!made.manager_) {
    return fail("ipsec-mb gives no job manager", "digest", "Check the memory that is free");
  }
  init_mb_mgr_auto(made.manager_.get(), nullptr);
  if (const int error = imb_get_errno(made.manager_.get()); error != 0) {
    return fail(std::string("ipsec-mb does not start: ") + imb_get_strerror(error), "digest",
                "It needs a CPU with SSE4.2 and AES at least");
  }
  return made;
}

void Digester::digest(std::span<const Job> jobs) noexcept {
  IMB_MGR* const manager = manager_.get();
  for (const Job& job : jobs) {
    IMB_JOB* const next = IMB_GET_NEXT_JOB(manager);
    next->cipher_mode = IMB_CIPHER_NULL;
    next->cipher_direction = IMB_DIR_ENCRYPT;
    next->chain_order = IMB_ORDER_HASH_CIPHER;
    next->hash_alg = IMB_AUTH_SHA_512;
    next->src = reinterpret_cast<const std::uint8_t*>(job.message);
    next->hash_start_src_offset_in_bytes = 0;
    next->msg_len_to_hash_in_bytes = message_bytes;
    next->auth_tag_output = reinterpret_cast<std::uint8_t*>(job.hash);
    next->auth_tag_output_len_in_bytes = hash_bytes;
    // What comes back is an earlier job, done: its hash already lies where it belongs.
    (void)IMB_SUBMIT_JOB_NOCHECK(manager);
  }
  while (IMB_FLUSH_JOB(manager) != nullptr) {
  }
}

const char* Digester::kernel() const noexcept {
  switch (manager_->used_arch) {
    case IMB_ARCH_NOAESNI:
      return "SSE without AES-NI";
    case IMB_ARCH_SSE:
      return "SSE";
    case IMB_ARCH_AVX:
      return "AVX";
    case IMB_ARCH_AVX2:
      return "AVX2";
    case IMB_ARCH_AVX512:
      return "AVX-512";
    default:
      return "unknown";
  }
}

}  // namespace claimgate::digest
