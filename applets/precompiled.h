// What nearly every file reads, for optimised builds and those of `make check` to read once: half of a file's compilation
// was this. DEV=1 builds go without, so that each file names what it uses. Nothing of the drivers belongs here: a change of it
// would build everything anew.
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <coroutine>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "base/xml.h"
#include "model/describe/row.h"
#include "model/domain/domain.h"
#include "protocol/remote.h"
#include "rpc/service.h"
