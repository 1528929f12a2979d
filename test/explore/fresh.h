// The same beginning for every run.
#pragma once

namespace belfry::explore {

// What the library keeps for as long as the process lives becomes what a new process has. Outside
// of runs.
void StartAfresh();

}  // namespace belfry::explore
