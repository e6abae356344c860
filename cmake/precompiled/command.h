#pragma once
#include <CLI/CLI.hpp>

#include "cmake/precompiled/json.h"
