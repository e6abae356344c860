#pragma once
#include "quantize/candidates.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Decides for every call and tensor of a tidied and fused model (docs/architecture.md, "decide"):
///  1. compute calls that satisfy backend and qconfig are quantized: their data inputs need codes, and a Conv's output too;
///  2. codes spread backward through calls that only move elements, forward through calls all of whose inputs are codes;
///  3. calls whose result nobody takes as codes fall back to float, so that no Q/DQ island only costs time;
///  4. tensors tied together (moved elements, shared scales, borders of If/Loop/Scan) form groups with one set of parameters;
///  5. large float tables of calls that stay float are kept as codes (tables.h).
/// Pure: edits nothing. The qconfig remembers which of its rules matched.
QuantPlan decide(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend, const DecideOptions& options = {});

}  // namespace qtool
