#include "dispatch/site_count.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>

namespace belfry {
namespace {

// By the text: two files that include one header have it twice.
auto KeyOf(Site site) { return std::tuple(site.line, std::string_view(site.file)); }

std::int64_t SubscribesAfter(std::size_t listeners) {
  return static_cast<std::int64_t>(
      std::min<std::size_t>(listeners, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

SiteCount::SiteCount(std::size_t max)
    : max_(max),
      left_(max == 0 ? std::numeric_limits<std::int64_t>::max() : SubscribesAfter(max) + 1) {}

bool SiteCount::WasTold(Site site) const {
  return std::any_of(told_.begin(), told_.end(),
                     [&](Site told) { return KeyOf(told) == KeyOf(site); });
}

std::optional<SiteCount::Pile> SiteCount::Look(std::vector<Site> sites) {
  std::sort(sites.begin(), sites.end(), [](Site a, Site b) { return KeyOf(a) < KeyOf(b); });
  const sync::Lock lock(mutex_);
  told_.reserve(told_.size() + 1);
  Pile largest;
  for (auto first = sites.begin(); first != sites.end();) {
    const auto end =
        std::find_if(first, sites.end(), [&](Site other) { return KeyOf(other) != KeyOf(*first); });
    const auto listeners = static_cast<std::size_t>(end - first);
    if (listeners > largest.listeners && !WasTold(*first)) largest = {*first, listeners};
    first = end;
  }
  const bool too_many = largest.listeners > max_;
  const std::size_t missing = too_many ? 0 : max_ + 1 - largest.listeners;
  left_.store(SubscribesAfter(std::max(missing, sites.size() / 2 + 1)), std::memory_order_relaxed);
  if (!too_many) return std::nullopt;
  told_.push_back(largest.site);
  return largest;
}

}  // namespace belfry
