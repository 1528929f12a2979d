# Read by the build of a copy with a mutant in it, right after project(): precompiled headers, which
# halve the time that a mutant takes. Not for everybody: they hide a missing include.
set(mutate_headers
    <algorithm>
    <array>
    <atomic>
    <bit>
    <chrono>
    <condition_variable>
    <cstring>
    <exception>
    <functional>
    <list>
    <map>
    <memory>
    <mutex>
    <optional>
    <string>
    <thread>
    <unordered_map>
    <utility>
    <vector>
    <absl/status/status.h>
    <absl/status/statusor.h>)

function(mutate_precompile)
  foreach(target IN ITEMS belfry_objects belfry_explored)
    if(TARGET ${target})
      target_precompile_headers(${target} PRIVATE ${mutate_headers})
    endif()
  endforeach()
  foreach(target IN LISTS MUTATE_PROGRAMS)
    if(TARGET ${target})
      target_precompile_headers(${target} PRIVATE <gtest/gtest.h> <filesystem> <fstream>
                                ${mutate_headers})
    endif()
  endforeach()
  # The leak sanitizer goes through the records of all threads there ever were, and the explorer
  # starts new ones for each of its hundred thousands of runs.
  if(TARGET explore_test)
    target_link_options(explore_test PRIVATE -fno-sanitize=leak)
  endif()
endfunction()

cmake_language(DEFER CALL mutate_precompile)
