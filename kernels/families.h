#pragma once
// Every family of kernels.

#include "kernels/affine.h"
#include "kernels/arithmetic.h"
#include "kernels/average.h"
#include "kernels/combine.h"
#include "kernels/curve.h"
#include "kernels/depthwise.h"
#include "kernels/dequantize.h"
#include "kernels/extremes.h"
#include "kernels/flip.h"
#include "kernels/gemv.h"
#include "kernels/layer_norm.h"
#include "kernels/lookup.h"
#include "kernels/quantize.h"
#include "kernels/softmax.h"
#include "kernels/transpose.h"
