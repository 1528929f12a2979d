// The examples of the headers for hosts of plugins.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "belfry/plugin_file.h"

namespace {

TEST(PluginExamples, PluginFile) {
  const std::string path = HELLO_C;
  std::cout << "the example prints: ";
  // example: plugin_file.h
  const absl::StatusOr<belfry::PluginFile> file = belfry::ReadPluginFile(path);
  if (file.ok()) std::cout << file->note.id << ' ' << file->note.version << '\n';
  // end of example
}

}  // namespace
