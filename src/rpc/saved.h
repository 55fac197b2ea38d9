#pragma once

#include <string>
#include <vector>

namespace bv::rpc {

// What a connection on a plain socket has under way, for the process image that takes it over: with
// this and the socket, neither side notices. Descriptors are numbers. In what Save() gives they still
// belong to the connection; Restore() becomes the owner of what it is given.
struct SavedConnection {
  int socket = -1;
  std::string input;  // read, and not made into messages yet
  std::vector<int> input_fds;
  struct Output {
    std::string bytes;
    std::vector<int> fds;  // follow the bytes
  };
  std::vector<Output> output;  // queued and not sent
  bool closing = false;        // reads no more, and ends when the output has gone
};

}  // namespace bv::rpc
