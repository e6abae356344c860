#pragma once
#include <nlohmann/json.hpp>

#include "cmake/precompiled/std.h"
