#pragma once
#include "cmake/precompiled/std.h"
#include "graph/model.h"
