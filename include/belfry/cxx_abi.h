// Which C++ objects two programs may share: what was compiled with the same text.
//
// Users need nothing from this header.
#pragma once

#include <version>

#include "belfry/plugin_note.h"
#include "belfry/version.h"

// The compiler (its own words for its version), its language, the standard library and what changes
// its types, and Belfry.
#if defined(_GLIBCXX_RELEASE)
#define BELFRY_CXX_LIBRARY \
  "libstdc++ " BELFRY_SPELLED_(_GLIBCXX_RELEASE) " strings " BELFRY_SPELLED_(_GLIBCXX_USE_CXX11_ABI)
#elif defined(_LIBCPP_VERSION)
#define BELFRY_CXX_LIBRARY \
  "libc++ " BELFRY_SPELLED_(_LIBCPP_VERSION) " abi " BELFRY_SPELLED_(_LIBCPP_ABI_VERSION)
#else
#define BELFRY_CXX_LIBRARY "another library"
#endif
#if defined(_GLIBCXX_DEBUG) || defined(_LIBCPP_DEBUG)
#define BELFRY_CXX_DEBUG " debug"
#else
#define BELFRY_CXX_DEBUG ""
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BELFRY_CXX_SANITIZED " asan"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BELFRY_CXX_SANITIZED " asan"
#endif
#endif
#ifndef BELFRY_CXX_SANITIZED
#define BELFRY_CXX_SANITIZED ""
#endif

namespace belfry {

inline constexpr char kCxxAbi[] = "compiler " __VERSION__ " language " BELFRY_SPELLED_(
    __cplusplus) " " BELFRY_CXX_LIBRARY BELFRY_CXX_DEBUG BELFRY_CXX_SANITIZED
                 " belfry " BELFRY_VERSION;

}  // namespace belfry
