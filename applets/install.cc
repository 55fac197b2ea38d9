#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "helpers.h"
#include "daemon/personality.h"

namespace bv {

namespace {

// The executable that runs, by its real path.
std::string OwnPath() {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

std::vector<std::string_view> LinkedNames() {
  std::vector<std::string_view> names;
  for (const Personality& personality : Personalities()) names.push_back(personality.name);
  for (const Helper& helper : Helpers()) {
    if (helper.linked) names.push_back(helper.name);
  }
  return names;
}

}  // namespace

int InstallLinks(int argc, char** argv) {
  bool symbolic = argc > 0 && std::strcmp(argv[0], "-s") == 0;
  if (argc != (symbolic ? 2 : 1)) {
    fmt::print(stderr, "usage: busyvirt --install [-s] DIR\n");
    return 1;
  }
  std::string dir = argv[argc - 1];
  std::string own = OwnPath();
  int status = 0;
  for (std::string_view name : LinkedNames()) {
    std::string link_path = dir + "/" + std::string(name);
    // A link that is there already, to whatever, is replaced; anything else is not ours to remove.
    char target[PATH_MAX];
    if (readlink(link_path.c_str(), target, sizeof target) >= 0) unlink(link_path.c_str());
    int failed = symbolic ? symlink(own.c_str(), link_path.c_str()) : link(own.c_str(), link_path.c_str());
    if (failed) {
      fmt::print(stderr, "busyvirt: {}: {}\n", link_path, std::strerror(errno));
      status = 1;
    }
  }
  return status;
}

}  // namespace bv
