#include "belfry/flow/undo.h"

#include <utility>

#include "dispatch/catching.h"

namespace belfry {

void Undo::Run() {
  while (!steps_.empty()) {
    const std::function<void()> step = std::move(steps_.back());
    steps_.pop_back();
    const auto failed = [this](std::string_view what) {
      if (!failed_) std::terminate();
      failed_(what);
    };
    Catching(step, failed, [] {});
  }
}

}  // namespace belfry
