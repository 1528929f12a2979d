// The rim between typed compositions and the code that knows no types.
//
// Users need nothing from this header.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/failure.h"
#include "belfry/flow/composition.h"
#include "belfry/flow/composition_key.h"
#include "belfry/flow/composition_parts.h"
#include "belfry/listener_body.h"

namespace belfry {

// How parts make a composition complete. Of kSequence and kQuiet only the first part opens it.
enum class CompositionShape {
  kEach,      // so many different parts have come
  kSequence,  // all of them, one after the other
  kCount,     // so many of one part have come within a window
  kQuiet,     // none has come for a while; of a part the latest is kept
};

// What is done with an event that may be a part.
using TakePart = std::function<Failure(const void* event, Context& context)>;

// What the untyped code must know of one part, and be able to do with it.
struct PartPlan {
  EventType type;
  std::string name;
  EventFilter filter;
  std::function<CompositionKey(const void* event)> key;  // unset: the correlation id
  std::function<Failure(const void* event)> undo;        // may be unset
  bool gives_up;  // it is no part, but ends the others; these come last
  std::unique_ptr<HeldPart> (*hold)(const void* event);
  Subscription (*subscribe)(Dispatcher& dispatcher, TakePart take, ListenerOptions options,
                            Site site);

  template <class E>
  static PartPlan Of(Part<E> part) {
    static_assert(std::is_copy_constructible_v<E>,
                  "a part is kept until all have come: its event must be copyable");
    if (part.name.empty()) part.name = std::string(EventTypeOf<E>().name());
    return {EventTypeOf<E>(),
            std::move(part.name),
            std::move(part.filter),
            nullptr,
            nullptr,
            false,
            [](const void* event) -> std::unique_ptr<HeldPart> {
              return std::make_unique<HeldPartOf<E>>(*static_cast<const E*>(event));
            },
            [](Dispatcher& dispatcher, TakePart take, ListenerOptions options, Site site) {
              return dispatcher.Subscribe<E>(
                  [take = std::move(take)](const E& event, Context& context) {
                    return take(&event, context);
                  },
                  std::move(options), site);
            }};
  }
};

struct CompositionPlan {
  CompositionOptions options{};
  CompositionShape shape = CompositionShape::kEach;
  std::vector<PartPlan> parts{};
  std::size_t needed = 0;  // parts
  Nanoseconds within{};    // zero: there is no limit
  Nanoseconds quiet{};     // of kQuiet: for how long
  EventType emits;
  // Both publish what they return, for this cause and linked to all parts.
  std::function<PublishResult(const GotParts&, const Publisher&, const Cause&)> emit{};
  std::function<PublishResult(const GotParts&, const MissingParts&, const Publisher&, const Cause&)>
      on_timeout{};

  BELFRY_EXPORT static Composition Start(Dispatcher& dispatcher, CompositionPlan plan, Site site);
};

// After a publish that was refused for want of room.
inline constexpr Nanoseconds kPublishAgainAfter = std::chrono::milliseconds(1);
BELFRY_EXPORT bool WorthAnotherTry(PublishResult result);

// Publishes, and again later if there is no room now: until there is, or the dispatcher closes.
// `make_options` is called for each of both.
template <class E, class MakeOptions>
PublishResult PublishNowOrLater(const Publisher& publisher, E event, MakeOptions make_options) {
  const PublishResult result = publisher.Publish(std::move(event), make_options());
  if (!WorthAnotherTry(result)) return result;
  // NOLINTNEXTLINE(bugprone-use-after-move): what is refused is as it was
  return publisher.PublishAfter(kPublishAgainAfter, std::move(event), make_options()).result();
}

}  // namespace belfry
