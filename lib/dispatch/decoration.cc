#include "dispatch/decoration.h"

#include "dispatch/frame.h"
#include "dispatch/inline_group.h"
#include "dispatch/queued_listener.h"

namespace belfry {

std::shared_ptr<Decoration> Decoration::Of(ListenerOptions& options) {
  if (!options.filter && !options.once && !options.owner) return nullptr;
  return std::shared_ptr<Decoration>(
      new Decoration(std::move(options.filter), options.once, std::move(options.owner)));
}

void Decoration::FinishCaller() { Frame::Innermost()->CurrentListener().Finish(); }

}  // namespace belfry
