#include "dispatch/dead_letter_box.h"

#include <utility>

#include "dispatch/publication.h"

namespace belfry {

std::size_t DeadLetterBox::Keep(KeptLetter kept) {
  const std::size_t bytes = kept.publication->bytes();
  if (bytes > limit_.bytes_max) return 1;
  const auto letter = std::make_shared<KeptLetter>(std::move(kept));
  Letters made;
  made.emplace(0, letter);
  Letters gone;  // under no lock
  const sync::Lock lock(mutex_);
  if (closed_) return 1;
  auto node = made.extract(made.begin());
  node.key() = letter->letter.number = ++last_number_;
  letters_.insert(std::move(node));
  bytes_ += bytes;
  while (letters_.size() > limit_.events_max || bytes_ > limit_.bytes_max) {
    gone.insert(Remove(letters_.begin()));
  }
  return gone.size();
}

DeadLetterBox::Letters::node_type DeadLetterBox::Remove(Letters::iterator found) {
  bytes_ -= found->second->publication->bytes();
  return letters_.extract(found);
}

DeadLetterBox::Taken::Taken(DeadLetterBox& box, std::uint64_t number) : box_(box) {
  const sync::Lock lock(box_.mutex_);
  const auto found = box_.letters_.find(number);
  if (found != box_.letters_.end()) node_ = box_.Remove(found);
}

DeadLetterBox::Taken::~Taken() {
  if (node_.empty() || delivered_) return;
  const sync::Lock lock(box_.mutex_);
  if (box_.closed_) return;
  box_.bytes_ += node_.mapped()->publication->bytes();
  box_.letters_.insert(std::move(node_));
}

std::vector<DeadLetter> DeadLetterBox::List() const {
  std::vector<SharedLetter> kept;
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

bool DeadLetterBox::Discard(std::uint64_t number) {
  Letters::node_type gone;  // under no lock
  const sync::Lock lock(mutex_);
  const auto found = letters_.find(number);
  if (found == letters_.end()) return false;
  gone = Remove(found);
  return true;
}

void DeadLetterBox::Close() {
  {
    const sync::Lock lock(mutex_);
    closed_ = true;
  }
  Clear();
}

std::size_t DeadLetterBox::Clear() {
  Letters gone;  // under no lock
  const sync::Lock lock(mutex_);
  gone.swap(letters_);
  bytes_ = 0;
  return gone.size();
}

}  // namespace belfry
