#pragma once
// The passes of tidy, in the order they run.

#include "pass/pass.h"

namespace qtool {

/// Constant nodes become weights of the same name. Not touched: strings, sparse values, graph outputs (they stay computed).
PassReport constants_to_weights(Model& model);

/// Nodes whose inputs are all constants become weights. Not touched: Q/DQ (an imported model's scales are binding), random
/// operators, graph outputs, results more than 64 KiB larger than their inputs. Needs types.
PassReport fold_constants(Model& model);

/// Shape arithmetic whose elements are all known (Shape of known dimensions through Gather, Slice, Concat, Cast, ...) becomes
/// weights; a Reshape whose computed shape repeats dimensions of its input gets a constant shape with 0 and -1. Needs types.
PassReport fold_shapes(Model& model);

/// Drops Identity, Dropout (inference) and Cast to the type it has. Not touched: between two public names, body outputs that
/// pass a value of outside through.
PassReport drop_no_ops(Model& model);

/// Sum of two becomes Add, Sum of one Identity.
PassReport sum_to_add(Model& model);

/// If with a constant condition becomes its branch.
PassReport inline_constant_if(Model& model);

/// Drops nodes and weights nobody uses. Graph inputs stay.
PassReport drop_dead(Model& model);

}  // namespace qtool
