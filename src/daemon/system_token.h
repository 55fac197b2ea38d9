#pragma once

#include <string>

namespace bv {

// What the daemons of one user know and other programs do not: 32 hexadecimal digits in
// STATE_DIR/common/system.token, made by the first daemon that asks. A daemon that shows it in
// CONNECT_SET_IDENTITY ("system.token") may have what no client gets, such as the values of private secrets.
// Blocks. Throws kSystemError, and kInternalError (domain kNone) where the file holds something else.
std::string SystemToken(const std::string& state_dir);

}  // namespace bv
