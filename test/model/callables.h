// The listeners' callables: one of each kind that the library treats differently.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "model/events.h"
#include "model/runner.h"

namespace belfry::model {

// Calls `use` with a callable for E.
template <class E, class Use>
void WithBody(Body body, Runner& runner, Who who, std::shared_ptr<int> life, Use use) {
  switch (body) {
    case Body::kTrivial:
      return use([&runner, who](const E& event) { runner.HandleAndThrow(who, NumberOf(event)); });
    case Body::kCaptures:
      return use([&runner, who, life = std::move(life)](const E& event) {
        runner.HandleAndThrow(who, NumberOf(event));
      });
    case Body::kContext:
      return use([&runner, who, life = std::move(life)](const E& event, Context&) {
        runner.HandleAndThrow(who, NumberOf(event));
      });
    case Body::kStatus:
      return use([&runner, who, life = std::move(life)](const E& event) {
        return runner.HandleAndFail(who, NumberOf(event)) ? absl::InternalError("as planned")
                                                          : absl::OkStatus();
      });
    case Body::kOptional:
      return use([&runner, who, life = std::move(life)](const E& event) -> std::optional<Letter> {
        const auto returned = runner.HandleAndReturn(who, NumberOf(event), Type::kLetter, 1);
        if (returned.empty()) return std::nullopt;
        return Make<Letter>(*returned[0].first, returned[0].second);
      });
    case Body::kVector:
      return use([&runner, who, life = std::move(life)](const E& event) {
        std::vector<Token> tokens;
        for (const auto& [plan, number] :
             runner.HandleAndReturn(who, NumberOf(event), Type::kToken, 10)) {
          tokens.push_back(Make<Token>(*plan, number));
        }
        return tokens;
      });
  }
}

}  // namespace belfry::model
