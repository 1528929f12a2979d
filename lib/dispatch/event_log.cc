#include "dispatch/event_log.h"

#include <algorithm>
#include <utility>

namespace belfry {
EventLog::~EventLog() {
  // Nobody is left who could be in any other page.
  if (last_ != nullptr) LogPage::Delete(last_);
  while (spares_ != nullptr) LogPage::Delete(std::exchange(spares_, spares_->spare_next));
}

void EventLog::SetBound(std::uint64_t position, std::uint64_t reserved) {
  const std::uint64_t page_end = last_ == nullptr ? 0 : last_->end();
  const std::uint64_t end = std::min(position, page_end);
  bound_.store((end - std::min(end, reserved)) << kShift, std::memory_order_seq_cst);
}

bool EventLog::HasRoom() const {
  return (tail() << kShift) < bound_.load(std::memory_order_relaxed);
}

void EventLog::Append(Publication& publication) {
  LogCell& cell = last_->At(tail());
  PublicationIn(cell) = &publication;
  cell.state.store(LogCell::kPublication, std::memory_order_release);
  tail_.fetch_add(std::uint64_t{1} << kShift, std::memory_order_seq_cst);
}

bool EventLog::AddPage(std::uint64_t listeners) {
  if (spares_ == nullptr) return false;
  LogPage* const page = std::exchange(spares_, spares_->spare_next);
  --spare_count_;
  page->begin = tail();
  page->FetchFirst();
  page->users.store(listeners + 1, std::memory_order_relaxed);
  LogPage* const before = std::exchange(last_, page);
  page_.store(page, std::memory_order_release);
  if (before != nullptr) {
    before->next.store(page, std::memory_order_release);
    if (Leave(*before)) {
      before->Clear();
      AddSpare(before);
    }
  }
  return true;
}

void EventLog::AddSpare(LogPage* page) {
  page->spare_next = spares_;
  spares_ = page;
  ++spare_count_;
}

bool EventLog::NeedsSpare(std::uint64_t cells) const {
  const std::uint64_t left = last_ == nullptr ? 0 : last_->end() - tail();
  return left + spare_count_ * LogPage::kCells < cells;
}

LogPage* EventLog::Enter() {
  last_->users.fetch_add(1, std::memory_order_relaxed);
  return last_;
}

}  // namespace belfry
