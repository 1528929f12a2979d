// Calls across the border, as C++ plugins make and take them.
//
// Part of belfry/plugin.hpp.
#pragma once

#include <cxxabi.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "belfry/plugin.h"

namespace belfry::plugin {

// What the host has refused, or what a plugin's code refuses: an exception with a code.
class Error : public std::runtime_error {
 public:
  Error(belfry_code code, const std::string& why) : std::runtime_error(why), code_(code) {}
  belfry_code code() const { return code_; }

 private:
  belfry_code code_;
};

inline belfry_text TextOf(std::string_view view) { return {view.data(), view.size()}; }

// Calls a function of the host's: belfry_code(belfry_error*). Throws Error.
template <class Call>
void CallHost(Call call) {
  char text[512];
  belfry_error error{sizeof(error), text, sizeof(text), 0};
  const belfry_code code = call(&error);
  if (code != BELFRY_OK) throw Error(code, std::string(text, error.text_size));
}

// Calls the plugin's code for the host: what it throws ends here, as a code and a text.
template <class Call>
belfry_code CallPlugin(belfry_error* error, Call call) {
  try {
    call();
    return BELFRY_OK;
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled
  } catch (const Error& thrown) {
    return belfry_fail(error, thrown.code(), TextOf(thrown.what()));
  } catch (const std::logic_error& thrown) {
    return belfry_fail(error, BELFRY_INTERNAL, TextOf(thrown.what()));
  } catch (const std::exception& thrown) {
    return belfry_fail(error, BELFRY_UNAVAILABLE, TextOf(thrown.what()));
  } catch (...) {
    return belfry_fail(error, BELFRY_UNKNOWN, TextOf("an exception that is no std::exception"));
  }
}

}  // namespace belfry::plugin
