// What happens when a listener, or other code of a user's, throws.
#pragma once

#include <cxxabi.h>

#include <exception>
#include <stdexcept>
#include <string_view>

namespace belfry {

// What an exception says.
struct Thrown {
  std::string_view what;
  bool permanent = false;                             // see Retry
  operator std::string_view() const { return what; }  // NOLINT(google-explicit-constructor)
};

// Calls `call`. What leaves it as an exception ends here, and `failed` is told what it says. A
// forced unwinding (a thread that is cancelled, or exits) goes on after `unwound` was told: to
// swallow it would abort.
template <class Call, class Failed, class Unwound>
[[gnu::always_inline]] inline void Catching(Call call, Failed failed, Unwound unwound) {
  try {
    call();
  } catch (const abi::__forced_unwind&) {
    unwound();
    throw;
  } catch (const std::logic_error& exception) {
    failed(Thrown{exception.what(), true});
  } catch (const std::exception& exception) {
    failed(Thrown{exception.what()});
  } catch (...) {
    failed(Thrown{"an exception that is not a std::exception"});
  }
}

}  // namespace belfry
