#include "belfry/envelope.h"

#include <cinttypes>
#include <cstdio>

namespace belfry {

std::string ToString(EventId id) {
  if (!id) return {};
  char text[48];
  const int length =
      std::snprintf(text, sizeof(text), "%016" PRIx64 "-%" PRIu64, id.origin, id.sequence);
  return std::string(text, static_cast<std::size_t>(length));
}

EventId Envelope::id() const {
  std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
  if (sequence == 0) {
    // The first to draw one wins; a number that lost is never used.
    const std::uint64_t drawn = ids_.Next().sequence;
    if (sequence_.compare_exchange_strong(sequence, drawn, std::memory_order_relaxed)) {
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

namespace {
// The innermost scope of this thread.
thread_local const CauseScope* current_scope = nullptr;
}  // namespace

CauseScope::CauseScope(const Cause& cause) : cause_(cause), outer_(current_scope) {
  current_scope = this;
}

CauseScope::CauseScope(const Envelope& envelope) : envelope_(&envelope), outer_(current_scope) {
  current_scope = this;
}

CauseScope::~CauseScope() { current_scope = outer_; }

Cause Cause::Current() {
  if (current_scope == nullptr) return {};
  if (current_scope->envelope_ != nullptr) return current_scope->envelope_->AsCause();
  return current_scope->cause_;
}

}  // namespace belfry
