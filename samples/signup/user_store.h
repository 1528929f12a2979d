// Where users are kept, as the flow sees it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace signup {

struct User {
  std::string id;
  std::string email;
  std::string name;
};

// What became of AddPending.
struct AddedUser {
  enum class State {
    kNew,      // a row was made
    kPending,  // there was one, still pending: go on with it
    kActive,   // there is one, and it has signed up already
  };
  User user;  // as stored: a pending row keeps the name it was made with
  State state = State::kNew;
};

// Rows of users, at most one for an e-mail address (in upper or lower case); each is pending at
// first and active once everything that makes a sign-up has happened.
//
// Thread safety: any thread. Blocking: every call, for as long as a disk takes: never on a loop.
class UserStore {
 public:
  virtual ~UserStore() = default;

  // Errors: UNAVAILABLE, or what the engine says.
  virtual absl::StatusOr<AddedUser> AddPending(const std::string& email,
                                               const std::string& name) = 0;

  // Errors: ALREADY_EXISTS   the row was active before
  //         NOT_FOUND        there is no such row
  //         UNAVAILABLE, or what the engine says
  virtual absl::Status Activate(const std::string& id) = 0;

  // Removes the row if it is pending. Errors: UNAVAILABLE, or what the engine says.
  virtual absl::Status RemovePending(const std::string& id) = 0;

  // The rows that are pending, oldest first.
  virtual absl::StatusOr<std::vector<User>> Pending() = 0;
};

}  // namespace signup
