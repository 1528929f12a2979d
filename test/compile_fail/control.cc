// expect-success
#include "belfry/check.h"
#include "belfry/version.h"

int main() { BELFRY_CHECK(BELFRY_VERSION_MAJOR >= 0, "the control of all cases beside it"); }
