// With BELFRY_NO_MEMBARRIER in its environment the program runs as on a system without that call:
// there the library has to look again where otherwise it is told.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

bool RefuseMembarrier() {
  sock_filter rules[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_membarrier},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{sizeof(rules) / sizeof(rules[0]), rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

[[maybe_unused]] const bool refused = [] {
  if (std::getenv("BELFRY_NO_MEMBARRIER") == nullptr) return false;
  if (RefuseMembarrier()) return true;
  std::fprintf(stderr, "the system does not let system calls be refused\n");
  std::exit(77);  // what ctest takes for a test that was skipped
}();

}  // namespace
