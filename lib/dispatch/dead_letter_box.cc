#include "dispatch/dead_letter_box.h"

#include <utility>

#include "dispatch/publication.h"

namespace belfry {

std::size_t DeadLetterBox::Keep(KeptLetter kept) {
  const std::size_t bytes = kept.publication->bytes();
  Letters made;
  made.emplace(0, std::make_shared<KeptLetter>(std::move(kept)));
  Letters gone;  // under no lock
  const sync::Lock lock(mutex_);
  auto node = made.extract(made.begin());
  node.key() = node.mapped()->letter.number = ++last_number_;
  letters_.insert(std::move(node));
  bytes_ += bytes;
  while (letters_.size() > limit_.events_max || bytes_ > limit_.bytes_max) {
    gone.insert(Take(letters_.begin()));
  }
  return gone.size();
}

DeadLetterBox::Letters::node_type DeadLetterBox::Take(Letters::iterator found) {
  bytes_ -= found->second->publication->bytes();
  return letters_.extract(found);
}

std::vector<DeadLetter> DeadLetterBox::List() const {
  std::vector<std::shared_ptr<const KeptLetter>> kept;
  for (bool all = false; !all;) {
    kept.reserve(size());
    const sync::Lock lock(mutex_);
    all = letters_.size() <= kept.capacity();
    if (!all) continue;
    for (const auto& [number, letter] : letters_) kept.push_back(letter);
  }
  std::vector<DeadLetter> letters;
  letters.reserve(kept.size());
  for (const auto& letter : kept) letters.push_back(letter->letter);
  return letters;
}

std::size_t DeadLetterBox::size() const {
  const sync::Lock lock(mutex_);
  return letters_.size();
}

std::shared_ptr<const KeptLetter> DeadLetterBox::Find(std::uint64_t number) const {
  const sync::Lock lock(mutex_);
  const auto found = letters_.find(number);
  return found == letters_.end() ? nullptr : found->second;
}

bool DeadLetterBox::Discard(std::uint64_t number) {
  Letters::node_type gone;  // under no lock
  const sync::Lock lock(mutex_);
  const auto found = letters_.find(number);
  if (found == letters_.end()) return false;
  gone = Take(found);
  return true;
}

std::size_t DeadLetterBox::Clear() {
  Letters gone;  // under no lock
  const sync::Lock lock(mutex_);
  gone.swap(letters_);
  bytes_ = 0;
  return gone.size();
}

}  // namespace belfry
