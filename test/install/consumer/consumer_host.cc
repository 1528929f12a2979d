// A stranger's host of plugins.
#include <cstdio>

#include "belfry/dispatcher.h"
#include "belfry/plugin_host.h"

int main() {
  belfry::Dispatcher dispatcher;
  belfry::PluginHost host(dispatcher);
  std::printf("hello, %s\n", host.plugins().empty() ? "world" : "plugins");
}
