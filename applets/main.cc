#include <cstdio>

int main(int, char** argv) {
  std::fprintf(stderr, "%s: no personality\n", argv[0]);
  return 1;
}
