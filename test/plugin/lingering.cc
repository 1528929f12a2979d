// A module that the system does not unmap: its thread_local object has a destructor, which the
// thread that has started it will call at its end.
#include "belfry/plugin.h"

namespace {

struct Counted {
  ~Counted() { ended = ended + 1; }
  volatile int ended = 0;
};
thread_local Counted counted;

belfry_code Start(const belfry_host*, belfry_text, belfry_instance**, belfry_error*) {
  counted.ended = 0;
  return BELFRY_OK;
}
void Stop(belfry_instance*) {}

}  // namespace

BELFRY_PLUGIN(BELFRY_ID("lingering") BELFRY_PLUGIN_VERSION("1"), Start, Stop);
