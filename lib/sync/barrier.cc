#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sync/sync.h"

namespace belfry::sync {
namespace {

bool Membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

bool HeavyBarrier() {
  // Registered with the first use; the kernel refuses a process that is not. A forked child is
  // registered as its parent was.
  static const bool registered = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  return registered && Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace belfry::sync
