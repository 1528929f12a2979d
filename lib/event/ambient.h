// What the calling thread is in the middle of: where a cause comes from when nobody names one, and
// baggage.
#pragma once

#include "belfry/envelope.h"

namespace belfry {

// User code of the library's that runs on this thread: a delivery, or several of one event. Ids are
// drawn only if somebody asks for the cause.
//
// Thread safety: its own thread.
class AmbientFrame {
 public:
  // Of what is published in it.
  virtual Cause cause() = 0;
  virtual const SharedBaggage* baggage() = 0;  // null: none

 protected:
  AmbientFrame() = default;
  ~AmbientFrame() = default;
};

// Of one thread: the innermost of both kinds. A scope that was made inside the innermost frame
// says the cause; else that frame does.
struct Ambient {
  AmbientFrame* frame = nullptr;
  const CauseScope* scope = nullptr;

  // The cause in that frame, or outside of all where it is null: for what was begun in it last.
  static Cause CauseIn(AmbientFrame* frame);
  // Likewise, from the innermost scope there that says any; null: none.
  static const SharedBaggage* BaggageIn(AmbientFrame* frame);
  // What the innermost scope there says beside; null: nothing.
  static const SharedExtras* ExtrasIn(AmbientFrame* frame);
};

// What is published directly in it starts a story of its own, and has these extras beside what its
// publish says. The short ways of a publish know it, which those with options do not take.
class ExtrasScope {
 public:
  explicit ExtrasScope(const SharedExtras& extras) : scope_(Cause{}, nullptr, &extras) {}
  ExtrasScope(const ExtrasScope&) = delete;
  ExtrasScope& operator=(const ExtrasScope&) = delete;

 private:
  const CauseScope scope_;
};

// Found without a call, also from a shared library.
extern constinit thread_local Ambient ambient __attribute__((tls_model("initial-exec")));

}  // namespace belfry
