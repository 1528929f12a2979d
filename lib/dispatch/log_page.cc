#include "dispatch/log_page.h"

#include <algorithm>
#include <new>

namespace belfry {
namespace {

constexpr std::align_val_t kPageAlignment{64};

}  // namespace

LogPage* LogPage::Make(std::size_t event_size) {
  const std::size_t bytes = event_size <= kValueMax ? event_size : 0;
  const std::size_t stride = sizeof(LogCell) + (std::max(bytes, sizeof(void*)) + 15) / 16 * 16;
  const std::size_t cells_at = (sizeof(LogPage) + 63) / 64 * 64;
  const std::size_t causes_at = cells_at + kCells * stride;
  void* const memory =
      ::operator new(causes_at + kCells * sizeof(Cause), kPageAlignment, std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* const page = ::new (memory) LogPage;
  page->stride_ = stride;
  page->cells_ = static_cast<std::byte*>(memory) + cells_at;
  page->causes_ = reinterpret_cast<Cause*>(static_cast<std::byte*>(memory) + causes_at);
  for (std::uint64_t i = 0; i < kCells; ++i) ::new (&page->At(i)) LogCell;
  return page;
}

void LogPage::Delete(LogPage* page) { ::operator delete(page, kPageAlignment); }

void LogPage::Clear() {
  for (std::uint64_t i = 0; i < kCells; ++i) {
    At(begin + i).state.store(LogCell::kEmpty, std::memory_order_relaxed);
  }
  next.store(nullptr, std::memory_order_relaxed);
}

}  // namespace belfry
