#pragma once
// Every family of kernels.

#include "kernels/arithmetic.h"
#include "kernels/dequantize.h"
#include "kernels/flip.h"
#include "kernels/lookup.h"
#include "kernels/quantize.h"
#include "kernels/transpose.h"
