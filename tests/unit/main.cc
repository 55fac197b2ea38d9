// Runs the tests of this program: GoogleTest's own options and output, or cmocka's when CMOCKA_MESSAGE_OUTPUT asks for it.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cmocka/report.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (getenv("CMOCKA_MESSAGE_OUTPUT")) {
    cmocka::ReportGoogleTest(cmocka::MakeReport(cmocka::FormatFromEnvironment(cmocka::Format::kStdout)));
  }
  return RUN_ALL_TESTS();
}
