#include "belfry/envelope.h"

#include <cinttypes>
#include <cstdio>

#include "event/ambient.h"

namespace belfry {

std::string ToString(EventId id) {
  if (!id) return {};
  char text[48];
  const int length =
      std::snprintf(text, sizeof(text), "%016" PRIx64 "-%" PRIu64, id.origin, id.sequence);
  return std::string(text, static_cast<std::size_t>(length));
}

EventId Envelope::id() const {
  std::uint64_t sequence = sequence_->load(std::memory_order_relaxed);
  if (sequence == 0) {
    // The first to draw one wins; a number that lost is never used.
    const std::uint64_t drawn = ids_.Next().sequence;
    if (sequence_->compare_exchange_strong(sequence, drawn, std::memory_order_relaxed)) {
      sequence = drawn;
    }
  }
  return {ids_.origin(), sequence};
}

std::span<const EventId> Envelope::links() const {
  if (extras_ == nullptr) return {};
  return extras_->links;
}

std::span<const Header> Envelope::headers() const {
  if (extras_ == nullptr) return {};
  return extras_->headers;
}

std::string_view Envelope::header(std::string_view name) const {
  for (const Header& header : headers()) {
    if (header.first == name) return header.second;
  }
  return {};
}

constinit thread_local Ambient ambient;

Cause Ambient::CauseIn(AmbientFrame* frame) {
  const CauseScope* scope = ambient.scope;
  while (scope != nullptr && scope->frame_ != frame) scope = scope->outer_;
  if (scope != nullptr) return scope->cause_;
  return frame == nullptr ? Cause{} : frame->cause();
}

const SharedExtras* Ambient::ExtrasIn(AmbientFrame* frame) {
  const CauseScope* const scope = ambient.scope;
  return scope != nullptr && scope->frame_ == frame ? scope->extras_ : nullptr;
}

CauseScope::CauseScope(const Cause& cause, const SharedBaggage* baggage, const SharedExtras* extras)
    : cause_(cause),
      baggage_(baggage),
      extras_(extras),
      frame_(ambient.frame),
      outer_(ambient.scope) {
  ambient.scope = this;
}

CauseScope::~CauseScope() { ambient.scope = outer_; }

Cause Cause::Current() { return Ambient::CauseIn(ambient.frame); }

}  // namespace belfry
