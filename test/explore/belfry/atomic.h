// The explorable counterpart of include/belfry/atomic.h, found before it: what public headers share
// with the library is explored as well.
#pragma once

#include "sync/atomic.h"
