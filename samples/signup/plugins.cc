#include "signup/plugins.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/exposed_event.h"
#include "signup/events.h"

namespace signup {
namespace {

template <class... E>
void Expose(belfry::PluginHost& host) {
  (host.Expose(belfry::Exposed<E>()), ...);
}

// "{}": there is none.
std::string ConfigBeside(std::filesystem::path plugin) {
  std::ifstream file(plugin.replace_extension(".json"), std::ios::binary);
  return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "{}";
}

}  // namespace

absl::StatusOr<std::unique_ptr<belfry::PluginHost>> StartPlugins(belfry::Dispatcher& dispatcher,
                                                                 const std::string& folder) {
  auto host = std::make_unique<belfry::PluginHost>(
      dispatcher,
      belfry::PluginHostOptions{
          .log = [](std::string_view plugin, std::uint32_t /*level*/, std::string_view line) {
            std::cerr << "signup: " + std::string(plugin) + ": " + std::string(line) + "\n";
          }});
  Expose<SignUpRequested, SignUpAccepted, UserStored, WelcomeRendered, MailAccepted, UserSignedUp,
         SignUpFailed>(*host);
  std::map<std::string, std::string> configs;  // by id
  for (const belfry::PluginHost::Loaded& loaded : host->LoadFolder(folder)) {
    if (!loaded.id.ok()) return loaded.id.status();
    configs[*loaded.id] = ConfigBeside(loaded.path);
  }
  const absl::StatusOr<std::vector<std::string>> order = host->StartOrder();
  if (!order.ok()) return order.status();
  for (const std::string& id : *order) {
    if (absl::Status started = host->Start(id, configs[id]); !started.ok()) return started;
  }
  return host;
}

}  // namespace signup
