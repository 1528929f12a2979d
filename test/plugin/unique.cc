// A module with a unique symbol, which it would not have with -fno-gnu-unique: the system never
// unmaps it.
#include "belfry/plugin.h"

template <class T>
struct __attribute__((visibility("default"))) Shared {
  static int starts;
};
template <class T>
int Shared<T>::starts = 0;

namespace {

belfry_code Start(const belfry_host*, belfry_text, belfry_instance**, belfry_error*) {
  ++Shared<int>::starts;
  return BELFRY_OK;
}
void Stop(belfry_instance*) {}

}  // namespace

BELFRY_PLUGIN(BELFRY_ID("unique") BELFRY_PLUGIN_VERSION("1"), Start, Stop);
