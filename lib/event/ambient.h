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
};

// Found without a call, also from a shared library.
extern constinit thread_local Ambient ambient __attribute__((tls_model("initial-exec")));

}  // namespace belfry
