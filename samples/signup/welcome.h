// The welcome mail, made of a template and a user.
#pragma once

#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "signup/user_store.h"

namespace signup {

// A whole mail: headers, and `text` with {{name}}, {{email}} and {{id}} filled in.
std::string WelcomeMessage(const User& user, std::string_view text, belfry::WallTime now);

}  // namespace signup
